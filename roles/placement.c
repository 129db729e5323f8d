#include "roles/placement.h"

#include <assert.h>
#include <string.h>

/*
 * redis-cli counts in float: the slots of a node, and a cursor that sums them up. Both are
 * multiples of 2^-23 below 2^15, so an integer in units of 2^-23 that is rounded to 24 significant
 * bits after each operation, ties to even (IEEE 754-2019, 4.3.1), holds the very same values.
 */
#define UNIT_BITS 23
#define FLOAT_BITS 24

static uint64_t round_as_float(uint64_t value, bool sticky)
{
    int bits = 0;
    while (value >> bits != 0)
        bits++;
    if (bits <= FLOAT_BITS)
        return value;
    int shift = bits - FLOAT_BITS;
    uint64_t kept = value >> shift;
    uint64_t lost = value & ((UINT64_C(1) << shift) - 1);
    uint64_t half = UINT64_C(1) << (shift - 1);
    if (lost > half || (lost == half && (sticky || (kept & 1) != 0)))
        kept++;
    return kept << shift;
}

struct slot_range placement_slots(int masters, int index)
{
    assert(masters >= 1 && masters <= PLACEMENT_PODS_MAX && index >= 0 && index < masters);
    /* One bit more than the unit, so that the quotient always has a bit to round off. */
    uint64_t slots = (uint64_t)PLACEMENT_SLOTS << (UNIT_BITS + 1);
    uint64_t each = slots / (uint64_t)masters;
    uint64_t one = UINT64_C(1) << UNIT_BITS;
    uint64_t cursor = 0;
    long first = 0, last = 0;

    each = round_as_float(each, slots % (uint64_t)masters != 0) >> 1;
    for (int i = 0; i <= index; i++) {
        uint64_t sum = round_as_float(cursor + each, false);
        first = i == 0 ? 0 : last + 1;
        last = (long)((round_as_float(sum - one, false) + one / 2) >> UNIT_BITS);
        if (last >= PLACEMENT_SLOTS || i == masters - 1)
            last = PLACEMENT_SLOTS - 1;
        if (last < first)
            last = first;
        cursor = sum;
    }
    return (struct slot_range){(uint16_t)first, (uint16_t)last};
}

/*
 * The dealing is a flow of least cost: from the zones, which supply replicas, through each shard's
 * two sides (same zone as its master, another one) to the shards. All costs are convex, so that the
 * cheapest flow is found by adding one replica after the other on a cheapest path (successive
 * shortest paths, by Bellman-Ford). The weights order the aims: the sum of all lesser ones stays
 * below one of the next, at PLACEMENT_PODS_MAX pods too.
 */
#define COST_FAR INT64_C(1)             /* a replica whose master is not (i mod masters) */
#define COST_CROWD (INT64_C(1) << 10)   /* two replicas of one shard in one zone */
#define COST_SHARED (INT64_C(1) << 31)  /* a replica in its master's zone */
#define COST_EXPOSED (INT64_C(1) << 42) /* every replica but a shard's first outside its zone */
#define COST_UNEVEN (INT64_C(1) << 53)  /* a replica more than the least share */
#define COST_NONE INT64_MAX

#define UNKNOWN 0 /* the class of pods whose zone is not known; the others are 1.. */
#define CLASSES_MAX (PLACEMENT_ZONES_MAX + 1)

/* The nodes of the flow. */
#define NODE_SAME(deal, master) ((deal)->classes + (master))
#define NODE_OTHER(deal, master) ((deal)->classes + (deal)->masters + (master))
#define NODE_SHARD(deal, master) ((deal)->classes + 2 * (deal)->masters + (master))
#define NODES_MAX (CLASSES_MAX + 3 * PLACEMENT_PODS_MAX)

struct deal {
    int pods, masters, classes;
    int class_of[PLACEMENT_PODS_MAX];
    int supply[CLASSES_MAX];                       /* replicas of a class not dealt yet */
    int16_t flow[CLASSES_MAX][PLACEMENT_PODS_MAX]; /* replicas of a class dealt to a master */
    int same[PLACEMENT_PODS_MAX], other[PLACEMENT_PODS_MAX], total[PLACEMENT_PODS_MAX];
    int64_t cost[NODES_MAX]; /* of the cheapest path found so far */
    int from[NODES_MAX];     /* the node before on it; -1: it begins here */
};

/* How many replicas of CLASS have MASTER by (i mod masters). */
static int count_wanted(const struct deal *deal, int class, int master)
{
    int wanted = 0;
    for (int pod = deal->masters + master; pod < deal->pods; pod += deal->masters)
        wanted += deal->class_of[pod] == class ? 1 : 0;
    return wanted;
}

/* Where replicas of CLASS enter the shard of MASTER. */
static int entry(const struct deal *deal, int class, int master)
{
    if (class == UNKNOWN)
        return NODE_SHARD(deal, master);
    return deal->class_of[master] == class ? NODE_SAME(deal, master) : NODE_OTHER(deal, master);
}

/* The cost of the Nth (from 0) replica of CLASS for MASTER. */
static int64_t class_cost(const struct deal *deal, int class, int master, int n)
{
    int64_t cost = n < count_wanted(deal, class, master) ? 0 : COST_FAR;
    return class == UNKNOWN ? cost + COST_EXPOSED : cost + COST_CROWD * n;
}

static bool relax(struct deal *deal, int from, int to, int64_t cost)
{
    if (deal->cost[from] == COST_NONE || deal->cost[from] + cost >= deal->cost[to])
        return false;
    deal->cost[to] = deal->cost[from] + cost;
    deal->from[to] = from;
    return true;
}

/* Tries all steps into and out of the shard of MASTER; true when a path became cheaper. */
static bool relax_shard(struct deal *deal, int master)
{
    int same = NODE_SAME(deal, master), other = NODE_OTHER(deal, master);
    int shard = NODE_SHARD(deal, master);
    bool better = false;

    for (int class = 0; class < deal->classes; class ++) {
        int n = deal->flow[class][master], at = entry(deal, class, master);
        better |= relax(deal, class, at, class_cost(deal, class, master, n));
        if (n > 0)
            better |= relax(deal, at, class, -class_cost(deal, class, master, n - 1));
    }
    better |= relax(deal, same, shard, COST_SHARED + COST_EXPOSED);
    better |= relax(deal, other, shard, deal->other[master] == 0 ? 0 : COST_EXPOSED);
    if (deal->same[master] > 0)
        better |= relax(deal, shard, same, -COST_SHARED - COST_EXPOSED);
    if (deal->other[master] > 0)
        better |= relax(deal, shard, other, deal->other[master] == 1 ? 0 : -COST_EXPOSED);
    return better;
}

/* The shard with the cheapest path to it that has room for a replica more. */
static int find_cheapest(struct deal *deal)
{
    int share = (deal->pods - deal->masters) / deal->masters;
    int best = -1;
    int64_t best_cost = COST_NONE;

    for (int node = 0; node < deal->classes + 3 * deal->masters; node++) {
        bool is_source = node < deal->classes && deal->supply[node] > 0;
        deal->cost[node] = is_source ? 0 : COST_NONE;
        deal->from[node] = -1;
    }
    for (bool better = true; better;) {
        better = false;
        for (int master = 0; master < deal->masters; master++)
            better |= relax_shard(deal, master);
    }
    for (int master = 0; master < deal->masters; master++) {
        int64_t cost = deal->cost[NODE_SHARD(deal, master)];
        if (deal->total[master] > share || cost == COST_NONE)
            continue;
        cost += deal->total[master] == share ? COST_UNEVEN : 0;
        if (cost < best_cost) {
            best = master;
            best_cost = cost;
        }
    }
    assert(best != -1); /* every class can go to every shard, and there is room for all */
    return best;
}

/* Moves one replica along the cheapest path. */
static void deal_one(struct deal *deal)
{
    int best = find_cheapest(deal);
    int node = NODE_SHARD(deal, best);

    deal->total[best]++;
    while (deal->from[node] != -1) {
        int before = deal->from[node];
        bool forward = before < node; /* classes, then sides, then shards */
        int low = forward ? before : node, high = forward ? node : before;
        int step = forward ? 1 : -1;
        int master = (high - deal->classes) % deal->masters;

        if (low < deal->classes)
            deal->flow[low][master] = (int16_t)(deal->flow[low][master] + step);
        else if (low == NODE_SAME(deal, master))
            deal->same[master] += step;
        else
            deal->other[master] += step;
        node = before;
    }
    deal->supply[node]--;
}

/* Numbers the zones in the order of their appearance. */
static bool classify(struct deal *deal, const int *zones)
{
    int known[CLASSES_MAX];
    deal->classes = 1;
    for (int pod = 0; pod < deal->pods; pod++) {
        int class = UNKNOWN;
        if (zones != NULL && zones[pod] >= 0) {
            class = 1;
            while (class < deal->classes && known[class] != zones[pod])
                class ++;
            if (class == CLASSES_MAX)
                return false;
            known[class] = zones[pod];
            if (class == deal->classes)
                deal->classes++;
        }
        deal->class_of[pod] = class;
        deal->supply[class] += pod >= deal->masters ? 1 : 0;
    }
    return true;
}

/* From numbers to pods: first those that get the master that they would have had, then the others
 * in order, each to the first master that still wants one of its class. */
static void name_masters(struct deal *deal, int *master_of)
{
    for (int pod = 0; pod < deal->pods; pod++) {
        int16_t *left = &deal->flow[deal->class_of[pod]][pod % deal->masters];
        master_of[pod] = pod < deal->masters ? pod : -1;
        if (pod >= deal->masters && *left > 0) {
            --*left;
            master_of[pod] = pod % deal->masters;
        }
    }
    for (int pod = deal->masters; pod < deal->pods; pod++) {
        for (int master = 0; master_of[pod] == -1; master++) {
            assert(master < deal->masters);
            if (deal->flow[deal->class_of[pod]][master] > 0) {
                deal->flow[deal->class_of[pod]][master]--;
                master_of[pod] = master;
            }
        }
    }
}

bool placement_deal(int pods, int masters, const int *zones, int *master_of)
{
    struct deal deal;
    if (masters < 1 || masters > pods || pods > PLACEMENT_PODS_MAX)
        return false;
    memset(&deal, 0, sizeof(deal));
    deal.pods = pods;
    deal.masters = masters;
    if (!classify(&deal, zones))
        return false;
    if (deal.classes == 1) {
        for (int pod = 0; pod < pods; pod++)
            master_of[pod] = pod % masters;
        return true;
    }
    for (int pod = masters; pod < pods; pod++)
        deal_one(&deal);
    name_masters(&deal, master_of);
    return true;
}

bool placement_survives_zone(int pods, const int *zones, const int *master_of)
{
    for (int master = 0; master < pods; master++) {
        int seen = -1;
        bool is_master = master_of[master] == master, survives = false;
        for (int pod = 0; is_master && zones != NULL && pod < pods; pod++) {
            if (master_of[pod] != master || zones[pod] < 0)
                continue;
            survives = survives || (seen != -1 && zones[pod] != seen);
            seen = zones[pod];
        }
        if (is_master && !survives)
            return false;
    }
    return true;
}
