package linux

// The compiler is pinned: the committed objects are compared with what the
// source gives, byte for byte.
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -no-global-types -target bpfel,bpfeb -go-package linux -tags linux -cflags "-O2 -g -mcpu=v3 -Wall -Werror -I/usr/include/x86_64-linux-gnu -fdebug-prefix-map=.=" -type header -type process_key -type file_identity -type credentials -type session -type namespaces -type record_type -type part -type part_status -type exec_flags -type file_flags -type loss_source -type fork_record -type exit_record -type exec_record -type chunk_record -type control_record -type identify_args -type layer_args -type loss -type running_exec -type known_image monitor bpf/monitor.bpf.c
