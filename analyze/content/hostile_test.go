package content_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fromsource/analyze/content"
	together "fromsource/analyze/content/inspect"
)

// skipped fails the test unless a reason under a path holds some words.
func skipped(t *testing.T, res content.Result, path, words string) {
	t.Helper()
	for _, s := range res.Skipped {
		if strings.HasPrefix(s.Path, path) && strings.Contains(s.Reason, words) {
			return
		}
	}
	t.Errorf("nothing skipped under %q because of %q: %v", path, words, res.Skipped)
}

func tarOf(t testing.TB, files ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		data := files[i+1].([]byte)
		if err := w.WriteHeader(&tar.Header{Name: files[i].(string), Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bomb is a megabyte of gzip for each GiB that it expands to.
func bomb(t testing.TB, gib int) []byte {
	t.Helper()
	return bytes.Repeat(gz(t, make([]byte, 64<<20)), gib<<4)
}

func TestBombIsCutAndTheRestGoesOn(t *testing.T) {
	if apart(t) {
		return
	}
	program := read(t, greet(t, t.TempDir()))
	res := stream(t, "in.tar", bytes.NewReader(tarOf(t, "bomb.gz", bomb(t, 8), "after", program)))
	skipped(t, res, "in.tar/bomb.gz", "expand to over")
	if got := formats(res); len(got) != 1 || got[0] != "in.tar/after elf-executable" {
		t.Errorf("members %v", got)
	}
	if res.Bytes > 1<<30 {
		t.Errorf("%d bytes were read", res.Bytes)
	}
}

// What ends the whole walk is told where it was met by a guess, in a text, and
// an archive that holds itself as an entry and once more is not walked two to
// the power of its depth times.
func TestBombInText(t *testing.T) {
	if apart(t) {
		return
	}
	text := run(t, t.TempDir(), "python3", "-c", `import base64, io, zipfile
def pack(name, b):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z: z.writestr(name, b)
    return out.getvalue()
one = pack("zeros", bytes(5 << 20))
many = io.BytesIO()
with zipfile.ZipFile(many, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    for i in range(400): z.writestr(str(i), one)
print("x = \"" + base64.b64encode(pack("many", many.getvalue())).decode() + "\"")`)
	res := stream(t, "in", bytes.NewReader(append(text, "more words\n"...)))
	skipped(t, res, "in", "of input expand to over")
	doubled := []byte("words")
	for range 40 {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		f, err := z.Create("in")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(doubled); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		part := b.Bytes()[:bytes.Index(b.Bytes(), []byte("PK\x01\x02"))]
		if doubled = append(slices.Clone(part), b.Bytes()...); len(doubled) > 1<<20 {
			doubled = b.Bytes()
		}
	}
	res = stream(t, "in", bytes.NewReader(doubled))
	skipped(t, res, "in", "nested over")
	if res.Files > 100_000 {
		t.Errorf("%d files", res.Files)
	}
}

// Many small bombs are no more than one large one.
func TestBombsTogetherAreCut(t *testing.T) {
	if apart(t) {
		return
	}
	one := bytes.Repeat(runIn(t, "", make([]byte, 64<<20), "zstd", "-c"), 16)
	var files []any
	for i := range 12 {
		files = append(files, fmt.Sprintf("%02d.zst", i), one)
	}
	res := stream(t, "in.tgz", bytes.NewReader(gz(t, tarOf(t, files...))))
	skipped(t, res, "in.tgz", "of input expand to over")
	if res.Bytes > 5<<30 {
		t.Errorf("%d bytes were read", res.Bytes)
	}
}

func TestHundredLevels(t *testing.T) {
	program := read(t, greet(t, t.TempDir()))
	b := program
	for range 100 {
		b = gz(t, b)
	}
	res := stream(t, "deep", bytes.NewReader(tarOf(t, "deep.gz", b, "after", program)))
	skipped(t, res, "deep/deep.gz", "nested over")
	if got := formats(res); len(got) != 1 || got[0] != "deep/after elf-executable" {
		t.Errorf("members %v", got)
	}
	// Appended to each other, each is the overlay of the one before.
	res = stream(t, "chain", bytes.NewReader(bytes.Repeat(program, 100)))
	skipped(t, res, "chain", "nested over")
}

// endless repeats a block n times.
type endless struct {
	block []byte
	n     int
	r     bytes.Reader
}

func (e *endless) Read(p []byte) (int, error) {
	if e.r.Len() == 0 {
		if e.n == 0 {
			return 0, io.EOF
		}
		e.n--
		e.r.Reset(e.block)
	}
	return e.r.Read(p)
}

func TestMillionEntries(t *testing.T) {
	if apart(t) {
		return
	}
	block := tarOf(t, "x", []byte{})[:512]
	res := stream(t, "in.tar", &endless{block: bytes.Repeat(block, 1000), n: 1000})
	skipped(t, res, "in.tar", "entries")
	if res.Files != content.DefaultMaxEntries+1 { // and the archive
		t.Errorf("%d files", res.Files)
	}
}

func TestManyMembersAreBounded(t *testing.T) {
	if apart(t) {
		return
	}
	class := []byte("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x01\x00\x01a")
	block := tarOf(t, "x", class)[:1024]
	visited := 0
	res, err := content.Inspect(context.Background(), "in.tar", &endless{block: bytes.Repeat(block, 1000), n: 200},
		content.Options{Visit: func(f *content.File) {
			if f.Format == "java-class" {
				visited++
			}
		}})
	if err != nil || visited != 200_000 || len(res.Members) > content.MaxMembers+1 {
		t.Errorf("%d visited, %d kept, %v", visited, len(res.Members), err)
	}
	skipped(t, res, "in.tar", "not listed")
}

// A directory that is too large to be held is not, and one that has more behind
// it than its end says is told.
func TestLargeZipDirectory(t *testing.T) {
	if apart(t) {
		return
	}
	program := read(t, greet(t, t.TempDir()))
	archive := func(times int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range 62_000 {
			if _, err := z.Create(strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		f, err := z.Create("greet")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(program); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		// The directory once more, before the record that ends it.
		at := bytes.Index(b.Bytes(), []byte("PK\x01\x02"))
		end := bytes.LastIndex(b.Bytes(), []byte("PK\x05\x06"))
		return slices.Concat(b.Bytes()[:at], bytes.Repeat(b.Bytes()[at:end], times), b.Bytes()[end:])
	}
	res := stream(t, "in.zip", bytes.NewReader(archive(1)))
	if got := formats(res); len(got) != 1 || got[0] != "in.zip/greet elf-executable" || len(res.Skipped) != 0 {
		t.Errorf("members %v, skipped %v", got, res.Skipped)
	}
	res = stream(t, "in.zip", bytes.NewReader(archive(2)))
	if got := formats(res); len(got) != 1 {
		t.Errorf("members %v", got)
	}
	skipped(t, res, "in.zip/@", "belong to no entry")
}

func TestEscapingNames(t *testing.T) {
	program := read(t, greet(t, t.TempDir()))
	res := stream(t, "in.tar", bytes.NewReader(tarOf(t, "../../etc/passwd", program, "a/../b", []byte("fine\n"))))
	skipped(t, res, "in.tar/etc/passwd", "leads out of the archive")
	if got := formats(res); len(got) != 1 || got[0] != "in.tar/etc/passwd elf-executable" || len(res.Skipped) != 1 {
		t.Errorf("members %v, skipped %v", got, res.Skipped)
	}
}

// A sparse file of 95 GB, as the sources of Go and gcc have them, is walked in
// all of tar's formats, and what follows it is found.
func TestSparse(t *testing.T) {
	for _, format := range []string{"gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1", "pax --sparse-version=1.0"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			greet(t, dir)
			run(t, dir, "sh", "-c", `set -e
truncate -s 95G huge; printf end | dd of=huge bs=1 seek=1000000 conv=notrunc status=none
truncate -s 9000000 small; dd if=greet of=small bs=4096 seek=1000 conv=notrunc status=none
tar -S --format=`+format+` -cf out huge small greet`)
			res := inspect(t, filepath.Join(dir, "out"))
			skipped(t, res, "out/huge", "sparse file of 102005473280 bytes")
			// The program in the hole's middle is at its logical place.
			if got := strings.Join(formats(res), ","); got != "out/greet elf-executable,out/small/@4096000 elf-executable" {
				t.Errorf("members %v", got)
			}
		})
	}
}

// Headers that declare more than there is are reported, and allocate nothing.
func TestAbsurdHeaders(t *testing.T) {
	program := read(t, greet(t, t.TempDir()))
	for name, b := range map[string][]byte{
		"tar-cut":   tarOf(t, "x", make([]byte, 5000))[:3000],
		"tar-size":  absurdTar(t),
		"ar-size":   []byte("!<arch>\nx/              0           0     0     644     9999999999`\nabc"),
		"cpio-name": []byte("070701" + strings.Repeat("F", 104)),
		"nar-size":  append([]byte("\x0d\x00\x00\x00\x00\x00\x00\x00nix-archive-1\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 64)...),
		"gzip-cut":  gz(t, program)[:2000],
		"xz-cut":    runIn(t, "", program, "xz", "-c")[:2000],
		"zip-cut":   append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), make([]byte, 60)...),
		"7z-size":   append([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), bytes.Repeat([]byte{0x7f}, 60)...),
		"7z-files":  sevenZipOf([]byte("\x01\x05\xf0\xff\xff\xff\x0f\x00\x00")),
		"rpm-size":  append([]byte("\xed\xab\xee\xdb\x03\x00"), bytes.Repeat([]byte{0x7f}, 200)...),
		"squashfs":  append([]byte("hsqs"), append(bytes.Repeat([]byte{0x7f}, 8), append([]byte{0, 0, 2, 0}, append(bytes.Repeat([]byte{1}, 6), append([]byte{17, 0, 0, 0, 0, 0, 4, 0}, bytes.Repeat([]byte{0x7f}, 200)...)...)...)...)...),
		"zstd-big":  []byte("\x28\xb5\x2f\xfd\x00\xff" + strings.Repeat("x", 64)),
	} {
		t.Run(name, func(t *testing.T) {
			res := stream(t, "in", bytes.NewReader(b))
			if len(res.Skipped) == 0 {
				t.Errorf("nothing skipped; members %v", formats(res))
			}
			after := stream(t, "in", bytes.NewReader(tarOf(t, "bad", b, "after", program)))
			if got := formats(after); len(got) == 0 || got[0] != "in/after elf-executable" {
				t.Errorf("the walk did not go on: %v, %v", got, after.Skipped)
			}
		})
	}
}

// What is cut off is told with where, and what should be there.
func TestCutOff(t *testing.T) {
	program := read(t, greet(t, t.TempDir()))
	archive := tarOf(t, "a/greet", program)
	for name, c := range map[string]struct {
		b            []byte
		path, reason string
	}{
		"gzip": {gz(t, program)[:2000], "in/content", "reading gzip: the stream is cut off at byte 2000, before its end: unexpected EOF"},
		"tgz":  {gz(t, archive)[:2000], "in", "reading gzip: the stream is cut off at byte 2000, before its end: unexpected EOF"},
		"xz":   {runIn(t, "", program, "xz", "-c")[:2000], "in/content", "reading xz: up to byte 2000: xz: data is truncated or corrupt"},
		"tar":  {archive[:3000], "in/a/greet", fmt.Sprintf("2488 bytes where %d should be: unexpected EOF", len(program))},
		"tar2": {archive[:700], "in/a/greet", fmt.Sprintf("188 bytes where %d should be: unexpected EOF", len(program))},
		"tar3": {append(slices.Clone(archive[:len(archive)-1024]), "words"...), "in", fmt.Sprintf("malformed archive: 5 bytes where a header of 512 should be, at byte %d: unexpected EOF", len(archive)-1024)},
	} {
		t.Run(name, func(t *testing.T) {
			res := stream(t, "in", bytes.NewReader(c.b))
			if len(res.Skipped) != 1 || res.Skipped[0] != (content.Skip{Path: c.path, Reason: c.reason}) {
				t.Errorf("skipped %q, want %q at %q", res.Skipped, c.reason, c.path)
			}
			// Of a stream it is not known how much there should be.
			res = stream(t, "in", onlyBytes{bytes.NewReader(c.b)})
			if len(res.Skipped) != 1 || res.Skipped[0].Path != c.path || !strings.Contains(res.Skipped[0].Reason, "byte") {
				t.Errorf("as a stream skipped %q", res.Skipped)
			}
		})
	}
}

// onlyBytes hides that bytes can be read at random.
type onlyBytes struct{ io.Reader }

// sevenZipOf is an archive with nothing but a directory.
func sevenZipOf(directory []byte) []byte {
	le := binary.LittleEndian
	next := le.AppendUint64(nil, 0)
	next = le.AppendUint64(next, uint64(len(directory)))
	next = le.AppendUint32(next, crc32.ChecksumIEEE(directory))
	b := le.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(next))
	return append(append(b, next...), directory...)
}

func absurdTar(t *testing.T) []byte {
	b := tarOf(t, "x", []byte("abc"))
	copy(b[124:136], "\x80\x00\x00\x00\x3f\xff\xff\xff\xff\xff\xff\xff")
	sum := 0
	for i, c := range b[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := content.Inspect(ctx, "x", strings.NewReader("text"), content.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestMemory inspects each input in a process of its own, whose peak is under
// 300 MB.
func TestMemory(t *testing.T) {
	if path := os.Getenv("CONTENT_TEST_INSPECT"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		stream(t, "in", onlyReader{f})
		// The kernel's count of this process; a parent's would include what
		// the parent itself held when it forked.
		fmt.Print(string(read(t, "/proc/self/status")))
		return
	}
	dir, child := t.TempDir(), os.Args[0]
	if raceDetector { // its own memory is several times the program's
		var err error
		if child, err = unraced(); err != nil {
			t.Fatal(err)
		}
	}
	program := read(t, greet(t, dir))
	big := append(bytes.Clone(program), make([]byte, 200<<20)...)
	for name, script := range map[string]string{
		"bomb":        "cp bomb out",
		"xz-9":        "tar cf - big greet | xz --lzma2=preset=0,dict=64MiB > out",
		"xz-9 in 4":   "X='xz --lzma2=preset=0,dict=64MiB'; tar cf 1 big; $X 1; tar cf 2 1.xz; $X 2; tar cf 3 2.xz; $X 3; tar cf 4 3.xz; $X -c 4 > out",
		"zip":         "zip -q -0 z.zip big greet; mv z.zip out",
		"tar":         "tar cf out big greet big",
		"zstd-22":     "tar cf - big | zstd -q --ultra -22 --long=27 > out",
		"7z":          "head -c 100000000 big > b; 7z a -bd -mx=3 o.7z b greet > log; mv o.7z out",
		"zip of many": "python3 -c 'import zipfile\nz = zipfile.ZipFile(\"out\", \"w\")\nfor i in range(70000): z.writestr(\"%d\" % i, \"\")\nz.write(\"greet\")'",
		"squashfs":    "mkdir d; cp big greet d; mksquashfs d out -quiet -no-progress -b 1M",
		"ext4":        "mkdir d; cp greet d; head -c 90000000 big > d/large; truncate -s 120M out; mke2fs -q -t ext4 -d d out",
		"ext4 hole":   "mkdir d; cp greet d; truncate -s 1T d/hole; truncate -s 8M out; mke2fs -q -t ext4 -b 4096 -d d out",
		"disk":        "mkdir d; cp greet d; tar cf - big | xz --lzma2=preset=0,dict=64MiB > d/a.tar.xz; truncate -s 120M fs; mke2fs -q -t ext4 -d d fs; " + diskScript("gpt"),
		"qcow2":       "mkdir d; cp greet d; head -c 90000000 big > d/large; truncate -s 120M fs; mke2fs -q -t ext4 -d d fs; qemu-img convert -c -O qcow2 -o cluster_size=2M fs out",
		"rar":         "mkdir t; head -c 100000000 big > t/greet; " + rarScript,
		"rar 64 MiB":  "mkdir t; head -c 90000000 /dev/urandom > t/greet; " + strings.Replace(rarScript, "vint(0) + vint(1)", "vint(9 << 10 | 3 << 7) + vint(1)", 1),
		"rar 4 GiB":   "mkdir t; cp greet t; " + strings.Replace(rarScript, "vint(0) + vint(1)", "vint(15 << 10 | 3 << 7) + vint(1)", 1),
	} {
		t.Run(name, func(t *testing.T) {
			sub := t.TempDir()
			write(t, filepath.Join(sub, "greet"), program)
			if strings.Contains(script, "big") {
				write(t, filepath.Join(sub, "big"), big)
			}
			if name == "bomb" {
				write(t, filepath.Join(sub, "bomb"), bomb(t, 8))
			}
			run(t, sub, "sh", "-c", "set -e; PATH=$PATH:/sbin:/usr/sbin; "+script)
			kb, _ := peak(t, child, "CONTENT_TEST_INSPECT="+filepath.Join(sub, "out"))
			if kb > mostKB {
				t.Errorf("peak of %d kB", kb)
			}
			t.Logf("peak of %d MB", kb>>10)
		})
	}
}

// mostKB are 300 MB.
const mostKB = 300_000_000 >> 10

// peak runs the test by itself, and returns the most memory that the process
// had, and what it printed.
func peak(t *testing.T, child string, env ...string) (kb int, out []byte) {
	t.Helper()
	test, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(child, "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, status, ok := bytes.Cut(out, []byte("VmHWM:"))
	if _, err := fmt.Sscan(string(status), &kb); err != nil || !ok {
		t.Fatalf("%v in %s", err, out)
	}
	return kb, out
}

// TestMemoryOfMany inspects inputs that each need much memory at once, as the
// command does: the peak is under 300 MB on however many cores, and the report
// is that of one after the other.
func TestMemoryOfMany(t *testing.T) {
	if dir := os.Getenv("CONTENT_TEST_MANY"); dir != "" {
		content.LimitMemory(content.Memory)
		paths, err := filepath.Glob(filepath.Join(dir, "*.in"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := together.Run(context.Background(), slices.Concat(paths, paths), content.Options{})
		if err != nil || r.Failed() {
			t.Fatalf("%v: %v", r, err)
		}
		sum := sha256.New()
		if err := r.JSON(sum); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("JSON %x\n%s", sum.Sum(nil), read(t, "/proc/self/status"))
		return
	}
	dir, child := t.TempDir(), os.Args[0]
	if raceDetector { // its own memory is several times the program's
		var err error
		if child, err = unraced(); err != nil {
			t.Fatal(err)
		}
	}
	program := read(t, greet(t, dir))
	write(t, filepath.Join(dir, "big"), append(bytes.Clone(program), make([]byte, 130<<20)...))
	run(t, dir, "sh", "-ec", `
tar cf - big big | zstd -q -1 --zstd=wlog=27 > zstd27.in
tar cf - big | zstd -q -1 --zstd=wlog=26 > zstd26.in
head -c 80000000 big > part
tar cf - part | xz --lzma2=preset=0,dict=64MiB > xz64.in
7z a -bd -mx=1 -md=64m 64.7z part > log
tar cf - 64.7z big | gzip -1 > 7z64.in
mv 64.7z 7z.in
python3 -c 'import os, subprocess, zipfile
z = zipfile.ZipFile("frames.in", "w")
for i in range(60):
    z.writestr("%d.zst" % i, subprocess.run(["zstd", "-qc", "-1", "--zstd=wlog=%d" % (27 - i % 4)], input=os.urandom(150000), capture_output=True, check=True).stdout * 2)'
rm big part`)
	want := ""
	for _, workers := range []int{2, 8} {
		kb, out := peak(t, child, "CONTENT_TEST_MANY="+dir, fmt.Sprintf("GOMAXPROCS=%d", workers))
		_, sum, _ := strings.Cut(string(out), "JSON ")
		if sum = sum[:64]; want != "" && sum != want {
			t.Errorf("another report on %d cores", workers)
		}
		want = sum
		if kb > mostKB {
			t.Errorf("peak of %d kB on %d cores", kb, workers)
		}
		t.Logf("peak of %d MB on %d cores", kb>>10, workers)
	}
}
