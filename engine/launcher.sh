#!/bin/sh
# Starts a part of the engine that is written for Node. Made from engine/launcher.sh: the names in capitals are
# filled in with this checkout and the Node that runs it, because Pulumi starts plugins with any PATH.
exec BERTH_NODE --disable-warning=ExperimentalWarning BERTH_MAIN "$@"
