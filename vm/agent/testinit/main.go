// Command testinit is the agent alone: what tests boot where they need no
// more of fromsource, and smaller than the whole.
package main

import (
	"fmt"
	"os"

	"fromsource/vm/agent"
)

func main() {
	if agent.Called(os.Args) {
		os.Exit(agent.Call(os.Args))
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "testinit: this is a guest's init, not a command")
		os.Exit(2)
	}
	agent.Main()
}
