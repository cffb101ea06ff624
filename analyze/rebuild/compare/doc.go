// Package compare says where two builds of the same output differ.
//
// Two NARs are read once, side by side, and hashed on the way. Where files
// differ they are looked into: archives member by member, ELF section by
// section, text line by line; what is only a timestamp, an owner or an order
// of entries in an archive is told apart from what is content. Nothing is
// unpacked to disk except bytes that are too large for memory, into a file
// without a name.
//
// That two outputs are the same but for such metadata is "stabilised
// equality". It is worth knowing and it is not reproducibility.
package compare
