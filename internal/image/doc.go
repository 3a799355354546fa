// Package image acquires the files that were executed: it reads and hashes
// their bytes and establishes that these are the bytes that were executed.
//
// A hash is given out only on proof. While an exec is held, the proof is a read
// lease, taken before the first byte is read and kept until the activation was
// seen: it is granted only if nobody has the file open for writing, shared
// writable mappings included, and keeps writers waiting. Where a file is only
// opened after its activation, the proof is that the kernel denied writing to it all the
// while, or that its change time is older than the activation on a file system
// that keeps change times. Everything else is a missing hash with its reason.
package image
