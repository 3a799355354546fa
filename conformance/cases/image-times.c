// A program with times of its own: modified long ago, to the nanosecond, and
// changed since without being modified.
//
// Logged must be: both times, owner, mode and size as they were at the exec; the
// owner is another one a moment later.
// Goes wrong where the file is looked at again when the record is written, or
// where kernel memory is read without knowing its flags: since 6.13 a bit of the
// change time says that somebody has asked for it.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	MUST(utimensat(AT_FDCWD, program, (struct timespec[]){{1, 2}, {946684799, 987654321}}, 0));
	MUST(chown(program, 12345, 54321));
	MUST(chmod(program, 0751));
	struct stat st = state(program);

	char **argv = ARGV(program, tok("a"), "hold:");
	struct run r = start_held(program, argv);
	MUST(chown(program, 0, 0));
	MUST(chmod(program, 0700));
	MUST(utimensat(AT_FDCWD, program, NULL, 0));
	release(&r);
	expect("a", &r);
	native("a", program, hash(program), argv);
	inode("a", &st);

	// Nobody has asked for the times since they changed.
	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, hash(program), argv);
	st = state(program);
	inode("b", &st);
	end();
}
