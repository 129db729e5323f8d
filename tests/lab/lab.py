"""The facade of Redis: a StatefulSet of its pods, and what scenarios ask of the cluster."""

from . import cluster, image, load, redis, spec, stage, tap


class Lab(stage.Stage):
    """A stage of Redis pods; `options` are the stage's.

    `masters`: those of the birth; `access`: how to reach the servers; `server`: an absolute path
    that stands for `redis-server` in the pods.
    """

    def __init__(self, world, name="redis", replicas=6, masters=3, template=None, access=None,
                 server=None, env=None, **options):
        self.masters = masters
        self.access = access or redis.Access()
        self._connections = {}
        super().__init__(world, name, template or spec.ordain(), image.redis(server), replicas,
                         env={"ORDAIN_REDIS_MASTERS": masters, **(env or {})}, **options)
        self.cluster = cluster.Cluster(self._addresses, self.access)

    def complaints(self, known=None):
        """Why the cluster is not healthy: sentences; none when it is.

        On every server: state ok, all 16384 slots assigned and ok, `known` nodes (default: the
        number of wanted pods), no row that failed, shakes hands or lacks an address, a replica's
        link up; and the same view everywhere.
        """
        wanted = self.controller.wanted()
        found, digests = [], {}
        for one in wanted:
            try:
                words, view = cluster.complaints(self._connection(one), known or len(wanted))
                digests.setdefault(view, []).append(one.name)
            except (redis.Unreachable, redis.ReplyError) as error:
                self._drop(one)
                words = [str(error)]
            found += [f"{one.name}: {word}" for word in words]
            if len(found) > 20:
                return found
        if len(digests) > 1:
            found.append(f"views differ: {sorted(digests.values())}")
        return found

    def redis(self, index, timeout_s=2.0):
        """A new connection to a pod's server."""
        return self.access.connect(self.pods[index].ip, timeout_s)

    def cluster_nodes(self, index):
        """CLUSTER NODES as a pod's server answers it, once it has loaded its data: [cluster.Node]."""
        def ask():
            try:
                with self.redis(index) as connection:
                    return cluster.parse_nodes(connection.call("CLUSTER", "NODES"))
            except redis.ReplyError as error:
                if not str(error).startswith("LOADING"):
                    raise
            return None
        return self.wait(ask, 30, f"{self.pods[index].name} has loaded its data")

    def node_of(self, index):
        """The row of a pod's server about itself."""
        with self.redis(index) as connection:
            mine = connection.call("CLUSTER", "MYID")
            rows = cluster.parse_nodes(connection.call("CLUSTER", "NODES"))
        return next(row for row in rows if row.id == mine)

    def masters_now(self):
        """The pods whose server owns slots, by their own view."""
        return [one for one in self.controller.wanted() if self.node_of(one.ordinal).slots]

    def write_keys(self, count, prefix="key"):
        """Writes keys over the whole cluster, which keep over kill -9; Unreachable unless all were
        acknowledged."""
        self.cluster.write(count, prefix)
        self.wait(self.cluster.is_flushed, 30, "the append-only files have all keys")

    def check_keys(self, count, prefix="key"):
        """Failure when one of the keys that were written is lost or wrong."""
        lost = self.cluster.missing(count, prefix)
        tap.check(not lost, f"{len(lost)} of {count} keys lost: {lost[:5]}")

    def count_keys(self):
        """The number of keys in the cluster."""
        return self.cluster.count()

    def writer(self, prefix="load", pause_s=0.002):
        """A load.Writer for a `with` block."""
        return load.Writer(self.cluster, self.access, prefix, pause_s)

    # ---- helpers

    def _addresses(self):
        return [one.ip for one in self.controller.wanted() if one.life]

    def _connection(self, one):
        """A kept connection to a pod's server: asking 60 servers often must be cheap."""
        kept = self._connections.get(one.name)
        if kept and kept.address == one.ip:
            return kept
        self._drop(one)
        if not one.ip:
            raise redis.Unreachable("it has no address yet")
        self._connections[one.name] = self.access.connect(one.ip)
        return self._connections[one.name]

    def _drop(self, one):
        kept = self._connections.pop(one.name, None)
        if kept:
            kept.close()
