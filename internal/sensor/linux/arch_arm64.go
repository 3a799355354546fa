package linux

// execve, execveat, mount and memfd_create of 32-bit Arm programs (arch/arm64/tools/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 387
	compatMount    = 21

	compatMemfdCreate = 385
)
