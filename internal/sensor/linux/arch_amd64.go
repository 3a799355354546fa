package linux

// execve, execveat, mount and memfd_create of i386 programs (arch/x86/entry/syscalls/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 358
	compatMount    = 21

	compatMemfdCreate = 356
)
