package config

import (
	"io"
	"log/slog"
	"slices"
	"strings"
)

// Log chooses what the node logs and how.
type Log struct {
	// Level is the least severe level written; default info.
	Level slog.Level

	// Levels are the levels of single subsystems, by the names of Subsystems: debug,
	// info, warn or error.
	Levels map[string]string

	// Format is "text" or "json"; empty = text.
	Format string

	// Writer, if not nil, receives the lines instead of standard error. Not part of
	// the file.
	Writer io.Writer

	// Handler, if not nil, receives the records instead. Level and Format are then the
	// handler's business; Levels still hold. Not part of the file.
	Handler slog.Handler
}

// Subsystems returns the names of the parts of a node whose level can be set, in
// Log.Levels and while the node runs.
func Subsystems() []string {
	return []string{"actor", "transport", "router", "topics", "tunnels", "discovery", "relay", "admin", "node"}
}

func levelNames() []string { return []string{"debug", "info", "warn", "error"} }

// ParseLevel returns the level of one of the names debug, info, warn and error.
func ParseLevel(text string) (slog.Level, error) {
	switch text {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, bad(didYouMean(text, levelNames()), "%q is not one of %s", text, strings.Join(levelNames(), ", "))
}

// CheckSubsystem reports whether there is no subsystem of that name.
func CheckSubsystem(name string) error {
	if known := Subsystems(); !slices.Contains(known, name) {
		return bad(didYouMean(name, known), "%q is not one of %s", name, strings.Join(known, ", "))
	}
	return nil
}

func checkLevels(m map[string]string) error {
	for name, level := range m {
		if err := CheckSubsystem(name); err != nil {
			return err
		}
		if _, err := ParseLevel(level); err != nil {
			return err
		}
	}
	return nil
}
