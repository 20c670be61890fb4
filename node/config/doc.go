// Package config turns a YAML file and the environment into the settings of a
// node, and refuses anything it does not fully understand.
//
//	node.yaml ──► Parse ──► keys known? types? ranges? ──┐
//	                          every problem at once      ├──► Validate ──► Config
//	IRIS_...  ──► environment ───────────────────────────┘   (how values
//	Default() ──► whatever nobody set                          fit together)
//
// # Lifecycle
//
// A program calls [Load] (file and environment), [Parse] (a file already in
// memory, no environment) or fills a [Config] in Go, starting from [Default].
// The result is plain data: copy it, change it, hand it to node.Start, which
// applies [Config.WithDefaults] and [Validate].
//
// # Errors
//
// A mistake in a configuration must be found before the node runs, and all of
// them in one go: every error of this package is an [Errors], one [Problem] per
// mistake with file, line, column, the line itself and a suggestion. Unknown
// keys, duplicate keys, wrong types, values out of range and unknown IRIS_
// variables are errors; nothing is ignored, nothing is silently clamped.
//
// # The secret
//
// A file that holds network.secret, and the file network.key points to, must be
// readable by their owner alone, as the target of a symbolic link must be; their
// directory must not be writable by everybody. Otherwise Load fails and says
// which chmod mends it. The secret is not accepted from the environment, which
// other processes of the user can read. It never appears in a problem, a
// snippet, or any formatting of [Config] and [Network].
//
// # Environment
//
// Each key has a variable: IRIS_ and the key in upper case, dots as underscores
// (limits.mailbox_bytes is IRIS_LIMITS_MAILBOX_BYTES). Lists are separated by
// commas, labels are name=value pairs. For clusters and topics the variable names
// one that the file has: IRIS_CLUSTERS_ECHO_MEMBERS. An empty variable counts as
// not set. Variables that Kubernetes injects for a service called iris
// (IRIS_SERVICE_HOST, IRIS_PORT and the like) are left alone.
//
// # Concurrency
//
// The package keeps no state; its functions may be called at any time from any
// goroutine. A Config is not synchronised: do not change it while another
// goroutine reads it.
package config
