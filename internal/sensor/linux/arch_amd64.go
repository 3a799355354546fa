package linux

// execve, execveat, mount and memfd_create of i386 programs (arch/x86/entry/syscalls/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 358
	compatMount    = 21

	compatMemfdCreate = 356
)

// stackTopGap is what the highest end of a stack is below a power of two (TASK_SIZE_MAX,
// arch/x86/include/asm/page_64_types.h).
const stackTopGap = 4096

// elfMachine is EM_X86_64 of elf.h.
const elfMachine = 62
