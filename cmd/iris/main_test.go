package main

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// hung is how long a test waits for what it is sure will come.
const hung = time.Minute

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"iris": main})
}

// TestScripts runs the command as a user would; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setStage, Cmds: scriptCommands(), Condition: scriptCondition,
	})
}
