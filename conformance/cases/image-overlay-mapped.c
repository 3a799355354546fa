// A program on an overlay that somebody has mapped for writing, which does not keep
// the kernel from executing it; it is changed while it runs.
//
// Logged must be: the hash of the bytes at the exec, or that it is not known and
// why: nobody can tell when the owner of the mapping writes.
// Goes wrong where a file that the kernel executes is thought to be safe from
// writers.
#include "lib/overlay.h"

int main(void) {
	begin(umount_all);
	MUST(mkdir("lower", 0755));
	target("lower/program");
	char *program = format("%s/program", overlay());
	int fd = MUST(open(program, O_RDWR | O_CLOEXEC));
	struct stat st;
	MUST(fstat(fd, &st));
	char *map = MUST(mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	// The page is dirty before: the times do not move any more.
	map[st.st_size - 1] = '1';
	char *sum = hash(program);

	char **argv = ARGV(program, tok("a"), "hold:");
	hold_make();
	struct run r = start_with(hold_setup, NULL, program, argv, environ);
	if (r.err == ETXTBSY) skip("the kernel executes no file that is mapped for writing");
	if (r.err) fail("exec: %s", strerror(r.err));
	hold_wait();
	r.inherits = 1;
	map[st.st_size - 1] = '2';
	release(&r);
	expect("a", &r);
	native("a", program, NULL, argv);
	may("a", "image.sha256", sum);
	end();
}
