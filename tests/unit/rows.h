#ifndef TESTS_UNIT_ROWS_H
#define TESTS_UNIT_ROWS_H

/* Rows of CLUSTER NODES for world_say, whose epoch is the pod's ordinal: of the server itself, and of another. */

#define SELF(n, flags, slots)                                                                      \
    "$" #n " 10.0.0." #n ":6379@16379,redis-" #n " myself," flags " 0 0 " #n " connected" slots "\n"
#define ROW(n, flags, slots)                                                                       \
    "$" #n " 10.0.0." #n ":6379@16379,redis-" #n " " flags " 0 1 " #n " connected" slots "\n"

#endif
