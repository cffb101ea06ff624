// Package trace answers whether known bytes came to be part of an output:
// the prebuilt members of what a closure fetches, and the distribution's
// bootstrap seed.
//
// A [Walk] is what is noted of one store path's content, by itself and
// independent of any closure: its compiled files with their fingerprints, the
// hashes of all others, and what looks like a reference to a store path.
// Walks are kept in [Fingerprints], a directory that any number of audits
// share. An [Index] holds the members of fetches; matching a walk's files
// against it gives [Match]es.
//
// What is matched by what:
//
//   - any compiled file by the hash of its bytes ([Identical]), however deep in
//     archives, compressed files or images either side is: a repacked jar is
//     found by its classes, a compressed firmware by what it unpacks to;
//
//   - native code also by the hash of all its executable sections, or by its
//     build-id ([Patched]): what patchelf, strip and objcopy leave alone.
//
//   - any compiled file of some size by samples of its bytes, whole inside
//     another file at any offset ([Embedded]): taken in as data by a compiler
//     or linker, joined with others, padded, or with a few bytes changed.
//
//   - objects and static libraries, linked into something, by a [Sample] of
//     their machine code ([Linked]). A program that was compiled by the same
//     compiler from the same source looks alike; nothing tells those apart.
//
//   - objects in other objects the same way, and functions out of them, which the
//     caller takes for a doubt only.
//
//   - what lies compressed in the loaded parts of native code, or in firmware, by what it unpacks
//     to, like a member of an archive.
//
//   - symbolic links by where they lead ([Walk.Links], [Referred]).
//
// What can't be found this way: small or foreign objects once linked, small
// files embedded in others, code that is encrypted or packed by a tool that content can't open, or compiled
// from text that is itself an encoded binary.
package trace
