// A script that is executed often enough to be known by heart, then changed in place,
// executed again, and so on: new bytes, another mode, another name, another file
// in its place, another chain of interpreters behind the same file.
//
// Logged must be: each time the path, the hash and the chain that it had at that exec.
// Goes wrong where what is known of a script is kept by its name, or for longer than its
// bytes stay as they were.
#include "lib/expect.h"

enum { TIMES = 4 };

static char *image, *inner;
static int next;

// often executes the script TIMES times. The kernel goes through inner as well where that
// is what the first line names.
static void often(char *script, int nested) {
	char *sum = hash(script), *sum_inner = hash(inner), *sum_image = hash(image);
	usleep(200000); // a change that is younger need not be one of before
	for (int i = 0; i < TIMES; i++) {
		char *id = format("n%d", next++);
		char **argv = ARGV(script, tok(id));
		struct run r = run(script, argv);
		expect(id, &r);
		scripted(id, script, image, nested ? ARGV(image, inner, script, tok(id)) : ARGV(image, script, tok(id)), argv);
		if (!nested) continue;
		has_list(id, "interpreters", ARGV(script, inner, image));
		has_list(id, "interpreters.sha256", ARGV(sum, sum_inner, sum_image));
	}
}

int main(void) {
	begin(NULL);
	image = target("interpreter");
	inner = text("inner", format("#!%s\n", image));
	char *script = text("script", format("#!%s\n%s\n", image, tok("first")));
	char *direct = format("#!%s\n%s\n", image, tok("other")), *by_way = format("#!%s\n%s\n", inner, tok("other"));
	often(inner, 0);
	often(script, 0);

	text("script", direct); // in place
	often(script, 0);
	MUST(chmod("script", 0700));
	often(script, 0);
	MUST(rename("script", "renamed"));
	often(here("renamed"), 0);
	MUST(link("renamed", "script"));
	often(script, 0);
	text("script", by_way); // in place, the file with two names
	often(script, 1);
	often(here("renamed"), 1);
	text("new", direct);
	MUST(rename("new", "script"));
	often(script, 0);

	// A file that was a script becomes the program that it led to, and the other way round.
	MUST(unlink("script"));
	MUST(link("interpreter", "script"));
	usleep(200000);
	char **argv = ARGV(script, tok("program"));
	struct run r = run(script, argv);
	expect("program", &r);
	native("program", script, hash(script), argv);
	MUST(unlink("script"));
	text("script", by_way);
	often(script, 1);
	end();
}
