package vm

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/vm/recipe"
)

// The guest of the published rebuild is one with a network, in which fixed
// outputs are fetched and nothing else is: here with a server of this machine
// as the network, and with a disk and a memory that this machine has. The disk
// has the recipe's size, of which only what is written takes space.
func TestNetwork(t *testing.T) {
	published, err := recipe.NixOSMinimal()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "from the host\n") }))
	defer srv.Close()
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := published
	r.MemoryMB, r.CPUs = 512, 1
	r.Attr = "image"
	r.Files = fstest.MapFS{"default.nix": {Data: []byte(`rec {
		url = "http://10.0.2.2:` + port + `/source.txt";
		source = derivation { name = "source.txt"; system = "builtin"; builder = "builtin:fetchurl"; inherit url; urls = [ url ];
			outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "32004ac815aef63f2c80e94134b683ba9d8b98275959383b29bfb42473004945";
			executable = false; unpack = false; };
		# A build that is no fetch sees no network, and says what it has got.
		image = derivation { name = "image"; system = "x86_64-linux"; builder = "/bin/sh"; inherit source;
			args = [ "-c" "n=0; while read line; do n=$((n + 1)); done < /proc/net/dev; [ $n -eq 3 ] || exit 12; read line < $source; echo $line > $out; :" ]; };
	}`)}}
	r.Results = []string{"image"}
	x, err := Build(t.Context(), r, t.TempDir(), smallOptions())
	if err != nil {
		t.Fatalf("%v\n%s", err, consoleOf(err))
	}
	if !x.Guest.Network || !x.Guest.Sandbox || x.Guest.Substitutes {
		t.Errorf("guest %+v", x.Guest)
	}
	if want := 120 << 10; x.Guest.DiskMB != want {
		t.Errorf("a disk of %d MiB, want %d", x.Guest.DiskMB, want)
	}
	if len(x.Guest.Results) != 1 || !strings.HasPrefix(x.Guest.Results[0].Differs[0], "hydra.nixos.org") {
		t.Errorf("what is published is of another image: %+v", x.Guest.Results)
	}
}
