package linux

// execve, execveat, mount, ioctl and memfd_create of i386 programs (arch/x86/entry/syscalls/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 358
	compatMount    = 21
	compatIoctl    = 54

	compatMemfdCreate = 356
)

// execve, execveat and ioctl of x32 programs, which have numbers of their own where the kernel has to
// read pointers (arch/x86/entry/syscalls/syscall_64.tbl).
const (
	x32Execve   = 520
	x32Execveat = 545
	x32Ioctl    = 514
)

// stackTopGap is what the highest end of a stack is below a power of two (TASK_SIZE_MAX,
// arch/x86/include/asm/page_64_types.h).
const stackTopGap = 4096

// elfMachine is EM_X86_64 of elf.h.
const elfMachine = 62
