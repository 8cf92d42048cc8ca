#ifndef NET_OFFLOAD_BPF_CALL_H
#define NET_OFFLOAD_BPF_CALL_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* The calls of bpf(2) that the offload needs: tables (the kernel calls them maps), programs, and
 * the links that attach a program to an interface. Each returns 0, or a descriptor that is closed
 * by exec, or -errno; -EOPNOTSUPP where the kernel has no bpf(2). */

struct bpf_table {
    enum bpf_map_type type;
    uint32_t key_bytes, value_bytes, entries;
    uint32_t flags;   /* BPF_F_* */
    const char *name; /* shown by bpftool; shorter than BPF_OBJ_NAME_LEN */
};

/* Returns a descriptor. */
int bpf_table_create(const struct bpf_table *table);

/* The key and the value have the sizes of the table; the value of a table per processor is an array
 * of one for each possible processor. bpf_table_set replaces a value. -ENOENT: there is no such
 * key. */
int bpf_table_set(int table, const void *key, const void *value);
int bpf_table_get(int table, const void *key, void *value);

/* Loads a program of XDP. The report of the verifier is written to log (NUL-terminated, truncated
 * to log_bytes; NULL: none). Returns a descriptor. */
int bpf_program_load(const struct bpf_insn *instructions, uint32_t count, const char *name,
                     char *log, uint32_t log_bytes);

/* Puts the descriptors of tables into the instructions that load the address of one, which have its
 * number in that place (src/net/offload/generate_program.py). */
void bpf_insert_tables(struct bpf_insn *instructions, size_t count, const int *tables);

/* Runs a program of XDP for `count` frames, each of which it has an interface send
 * (BPF_F_TEST_XDP_LIVE_FRAMES). `bytes` has first the metadata that is in front of each frame (a
 * multiple of 4 bytes, up to 32), then the frame. The frame has at least an Ethernet header, and at
 * most about 3,500 bytes, what a page of the kernel has room for; when the kernel uses the memory
 * of a frame again, its content is what the program has left there. Returns 0 or -errno. -EINTR: a
 * signal came; the program may have run for some of the frames.
 *
 * The program should be attached to an interface. If it is not, the call takes some ms, in which
 * the kernel enters it in a list of programs that are in use, and removes it. */
int bpf_program_send_frames(int program, const void *bytes, uint32_t metadata_bytes,
                            uint32_t frame_bytes, uint32_t count);

/* Attaches a program to the interface of an index; flags are XDP_FLAGS_*. It is detached when the
 * last descriptor of the link is closed. Returns a descriptor. */
int bpf_link_create(int program, uint32_t interface_index, uint32_t flags);

struct bpf_attachment {
    uint32_t interface; /* its index, 0 once it is deleted */
    uint32_t program;   /* by its number in the kernel, which bpftool and ip-link(8) show */
};

/* Reads what a link attaches to what. */
int bpf_link_read(int link, struct bpf_attachment *attachment);

#endif
