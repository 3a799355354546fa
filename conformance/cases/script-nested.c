// Scripts whose interpreters are scripts: two, and as many as the kernel takes.
//
// Logged must be: the outermost as the script, the program that was loaded as the
// image, and every file between them in order.
// Goes wrong where a chain is taken to have one link, so that the files in the
// middle, which also decided what ran, are never seen.
#include "lib/expect.h"

// exec_binprm in fs/exec.c follows five rewrites.
enum { LIMIT = 5 };

static void nested(const char *id, int depth) {
	char *file[LIMIT + 1], *sum[LIMIT + 2], *received[LIMIT + 4], *chain[LIMIT + 2];
	char *image = target(format("interpreter-%s", id));
	for (int i = depth - 1; i >= 0; i--)
		file[i] = text(format("script-%s-%d", id, i),
		               format("#!%s\n%s%d\n", i == depth - 1 ? image : file[i + 1], tok(id), i));
	char **argv = ARGV(file[0], tok(id));
	struct run r = run(file[0], argv);
	// Each script puts its interpreter in front of its own path.
	int n = 0;
	received[n++] = image;
	for (int i = depth - 1; i >= 0; i--) received[n++] = file[i];
	received[n++] = tok(id);
	received[n] = NULL;
	for (int i = 0; i < depth; i++) {
		chain[i] = file[i];
		sum[i] = hash(file[i]);
	}
	chain[depth] = image;
	sum[depth] = hash(image);
	chain[depth + 1] = sum[depth + 1] = NULL;

	expect(id, &r);
	scripted(id, file[0], image, received, argv);
	has(id, "filename", file[0]);
	has_list(id, "interpreters", chain);
	has_list(id, "interpreters.sha256", sum);
}

int main(void) {
	begin(NULL);
	nested("two", 2);
	nested("limit", LIMIT);
	end();
}
