package linux

// execve and execveat of 32-bit Arm programs (arch/arm64/tools/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 387
)
