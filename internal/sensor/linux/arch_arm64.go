package linux

// execve, execveat, mount and memfd_create of 32-bit Arm programs (arch/arm64/tools/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 387
	compatMount    = 21

	compatMemfdCreate = 385
)

// stackTopGap is what the highest end of a stack is below a power of two (STACK_TOP_MAX,
// arch/arm64/include/asm/processor.h).
const stackTopGap = 0

// elfMachine is EM_AARCH64 of elf.h.
const elfMachine = 183
