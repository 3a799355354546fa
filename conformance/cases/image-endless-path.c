// A program at a path longer than any call takes, executed relative to a folder
// that was reached step by step.
//
// Logged must be: the whole path, or that it is not known and why; the hash all
// the same.
// Goes wrong where a path that was cut is logged as if it were one.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char name[201];
	memset(name, 'n', 200);
	name[200] = 0;
	char *dir = strdup(case_dir);
	while (strlen(dir) < PATH_MAX + 500) {
		if (mkdir(name, 0755) < 0) skip("mkdir: %s", strerror(errno));
		MUST(chdir(name));
		dir = format("%s/%s", dir, name);
	}
	copy(tool("target"), "program", tok("a"), 0755);
	char **argv = ARGV("./program", tok("a"));
	struct run r = run("./program", argv);
	r.inherits = 0;
	expect("a", &r);
	may("a", "cwd", dir);
	may("a", "image.path", format("%s/program", dir));
	native("a", NULL, hash("program"), argv);
	has("a", "filename", "./program");
	end();
}
