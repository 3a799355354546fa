package image

// Types of file systems (statfs(2), linux/magic.h).
const (
	magicBcachefs = 0xca451a4e
	magicBtrfs    = 0x9123683e
	magicEROFS    = 0xe0f5e1e2
	magicExt      = 0xef53
	magicF2FS     = 0xf2f52010
	magicISO9660  = 0x9660
	magicOverlay  = 0x794c7630
	magicRamfs    = 0x858458f6
	magicSquashfs = 0x73717368
	magicTmpfs    = 0x01021994
	magicXFS      = 0x58465342
)

// keepsChangeTime says whether a file system moves the change time of a file
// with every change of its bytes, writes through a mapping included. tmpfs and
// ramfs do not; of those not listed nobody has shown it.
func keepsChangeTime(magic uint32) bool {
	switch magic {
	case magicExt, magicXFS, magicBtrfs, magicF2FS, magicBcachefs,
		magicEROFS, magicSquashfs, magicISO9660:
		return true
	}
	return false
}

// local says whether all writers of a file are processes of this kernel, so
// that a lease means something.
func local(magic uint32) bool {
	return keepsChangeTime(magic) || magic == magicTmpfs || magic == magicRamfs || magic == magicOverlay
}
