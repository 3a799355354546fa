package linux

// execve and execveat of i386 programs (arch/x86/entry/syscalls/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 358
)
