#include "init/postgres/wal_stream.h"

#include <inttypes.h>
#include <stdio.h>

#include "roles/lsn.h"

enum pg_stream_part wal_stream_begin(struct pg_client *client, int server, uint32_t timeline,
                                     uint64_t lsn, struct pg_call *call, struct pg_piece *piece,
                                     int64_t deadline_ns)
{
    char text[LSN_TEXT_MAX];
    char command[96];
    lsn_write(lsn, text);
    (void)snprintf(command, sizeof command, "START_REPLICATION PHYSICAL %s TIMELINE %" PRIu32, text,
                   timeline);
    enum pg_stream_part part = PG_STREAM_FAILED;
    if (pg_stream_begin(client, server, command, call, deadline_ns))
        part = pg_stream_next(client, server, call, piece, deadline_ns);
    call->command = "START_REPLICATION"; /* what was sent ends here */
    return part;
}
