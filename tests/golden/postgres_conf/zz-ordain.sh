#!/bin/sh
# Called by the image's entrypoint at the end of the first initdb, on its temporary server: the replication
# role, the slots, and last the mark that says that this initdb is whole.
exec '/ordain/bin/ordain' form postgres --initdb
