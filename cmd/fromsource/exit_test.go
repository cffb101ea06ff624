package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestMessage(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("making the guest's image: %w", context.Canceled), "making the guest's image: interrupted"},
		{errors.New("a file called context canceled"), "a file called context canceled"},
		{fmt.Errorf("booting: %w", context.DeadlineExceeded), "booting: context deadline exceeded"},
	} {
		if got := message(c.err); got != c.want {
			t.Errorf("message(%q) = %q, want %q", c.err, got, c.want)
		}
	}
}
