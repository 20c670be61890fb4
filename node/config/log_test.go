package config

import (
	"maps"
	"strings"
	"testing"
)

func TestLogLevels(t *testing.T) {
	c, _, err := load("", []string{"IRIS_LOG_LEVELS=router=debug, relay=warn"})
	if want := map[string]string{"router": "debug", "relay": "warn"}; err != nil || !maps.Equal(c.Log.Levels, want) {
		t.Errorf("got %v, %v, want %v", c.Log.Levels, err, want)
	}
	for text, want := range map[string]string{
		"log: {levels: {ruoter: debug}}": "did you mean router?",
		"log: {levels: {router: loud}}":  "is not one of debug, info, warn, error",
		"log: {levels: router}":          "must be names with values",
		"log: {levels: {router: [a]}}":   "each with one value",
	} {
		if _, err := Parse("n.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	bad := Default()
	bad.Log.Levels = map[string]string{"x": "debug"}
	if Validate(bad) == nil {
		t.Error("an unknown subsystem is taken")
	}
	for _, name := range Subsystems() {
		if err := CheckSubsystem(name); err != nil {
			t.Error(err)
		}
	}
}
