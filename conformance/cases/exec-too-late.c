// A program that the kernel accepts and then cannot load: the old program is gone
// by then, so the process is killed.
//
// Logged must be: nothing. No program came to run.
// Goes wrong where an exec is taken for done when the kernel has said that it will
// not go back.
#include "lib/expect.h"

#include <elf.h>

int main(void) {
	begin(NULL);
	// A segment that lies beyond every address of a process.
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p;
	} bad;
	int in = MUST(open(tool("target"), O_RDONLY | O_CLOEXEC));
	if (read(in, &bad.e, sizeof bad.e) != sizeof bad.e || bad.e.e_ident[EI_CLASS] != ELFCLASS64)
		skip("no 64-bit machine");
	close(in);
	bad.e.e_type = ET_EXEC;
	bad.e.e_phoff = sizeof bad.e;
	bad.e.e_phnum = 1;
	bad.e.e_shnum = bad.e.e_shoff = bad.e.e_shstrndx = 0;
	bad.p = (Elf64_Phdr){.p_type = PT_LOAD,
	                     .p_flags = PF_R | PF_X,
	                     .p_vaddr = 0x7fff00000000000 & ~0xfffULL,
	                     .p_filesz = sizeof bad,
	                     .p_memsz = sizeof bad,
	                     .p_align = 0x1000};
	int out = MUST(open("program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	if (write(out, &bad, sizeof bad) != sizeof bad) fail("write: %s", strerror(errno));
	MUST(fchmod(out, 0755));
	close(out);

	char *program = here("program");
	struct run r = start(program, ARGV(program, tok("a")));
	finish(&r);
	if (r.err || !WIFSIGNALED(r.status)) skip("the kernel refuses the program in time: %s", strerror(r.err));
	never("a", r.pid, tok("a"));
	end();
}
