// Package wire is the language that host and guest speak over the one
// virtio-serial port of a guest. It is used by both ends; neither trusts the
// other to be well-behaved.
//
// # Frames
//
// A frame is one line of JSON, at most MaxLine bytes with its newline, and,
// where the line has a "len" other than zero, that many raw bytes right after
// the newline (at most MaxPayload). Nothing else is ever on the channel: no
// banner, no padding, no shell.
//
//	{"t":"data","id":7,"s":"stdout","len":12}\n
//	hello world\n
//
// Unknown keys are ignored, an unknown "t" is a protocol error, and so is
// anything that is not a frame: the reader says at which byte of the channel
// and stops, since a length that was read wrongly can't be resynchronised.
//
// # Requests, from the host
//
//	{"t":"run","id":N,"argv":[...],"env":[...],"dir":"/","stdin":true}
//	{"t":"put","id":N,"path":"/srcs/x","mode":420}
//	{"t":"get","id":N,"path":"/nix/store/..."}
//	{"t":"kill","id":N,"signal":15}    to the process group of a run; gives up a put
//	{"t":"poweroff","id":N}
//
// A run with "tty":true has a terminal of its own: its input and all of its
// output go through that, as "stdin" and "stdout".
//
// The host chooses N, never twice. Each request is answered by exactly one
// done message, the last with that N (no ack follows it either; what the host
// sends before it has seen the done is dropped):
//
//	{"t":"done","id":N,"exit":0}                       a run
//	{"t":"done","id":N,"exit":-1,"signal":9}           a run that was killed
//	{"t":"done","id":N,"size":4096,"sha256":"..."}     a put or a get
//	{"t":"done","id":N,"error":"open /x: no such file or directory"}
//
// A channel that ends before the done message has failed, however much was
// read: its absence is an error. After the done of poweroff the guest sends
// {"t":"bye"} and the channel ends; an end without bye is a crash.
//
// # Streams
//
// Bytes of a request travel in data frames: "s" is "stdin" (host to guest:
// the input of a run, the content of a put) or "stdout" and "stderr" (guest to
// host: the output of a run, the content of a get in stdout). {"t":"eof"}
// with the same id and "s" ends a stream; both output streams of a run have
// ended before its done.
//
// A sender may have Window bytes of one stream outstanding. The receiver
// gives room back with {"t":"ack","id":N,"s":"stdout","n":65536} as the bytes
// are consumed. So a slow reader of one stream holds up that stream and
// nothing else: heartbeats and other requests go on. Sending beyond the window
// is a protocol error.
//
// # What the guest says unasked
//
//	{"t":"hello","v":1,"info":{...}}    first of all, once
//	{"t":"beat","info":{...}}           every BeatEvery; see Info
//	{"t":"event","event":"oom","detail":"..."}               a process was killed for memory
//	{"t":"event","event":"exec-watch-ended","detail":"..."}  no more exec messages follow
//	{"t":"exec","exec":{...}}           one record of the exec watch; see Exec
//
// An exec message is on its way before the program does anything, or before it
// can read what it opens, and what a
// run may have failed for, events and a beat, before its done.
package wire
