#include "net/offload/bpf_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Attempts to load a program: the verifier gives up when a signal arrives (EAGAIN). */
enum { LOAD_ATTEMPTS = 5 };

static uint64_t address_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* The result of bpf(2), for which libc has no wrapper. Each function below calls it by itself, so
 * that tests/faults distinguishes the commands. */
static int result_of(long result)
{
    if (result >= 0)
        return (int)result;
    return errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

/* The kernel refuses attributes that it does not know unless they are zero. */
static void clear(union bpf_attr *attributes)
{
    memset(attributes, 0, sizeof *attributes);
}

int bpf_table_create(const struct bpf_table *table)
{
    union bpf_attr attributes;

    clear(&attributes);
    attributes.map_type = table->type;
    attributes.key_size = table->key_bytes;
    attributes.value_size = table->value_bytes;
    attributes.max_entries = table->entries;
    attributes.map_flags = table->flags;
    snprintf(attributes.map_name, sizeof attributes.map_name, "%s", table->name);
    return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static void name_entry(union bpf_attr *attributes, int table, const void *key, const void *value)
{
    clear(attributes);
    attributes->map_fd = (uint32_t)table;
    attributes->key = address_of(key);
    attributes->value = address_of(value);
}

int bpf_table_set(int table, const void *key, const void *value)
{
    union bpf_attr attributes;

    name_entry(&attributes, table, key, value);
    return result_of(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attributes, sizeof attributes));
}

int bpf_table_get(int table, const void *key, void *value)
{
    union bpf_attr attributes;

    name_entry(&attributes, table, key, value);
    return result_of(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof attributes));
}

int bpf_program_load(const struct bpf_insn *instructions, uint32_t count, const char *name,
                     char *log, uint32_t log_bytes)
{
    static const char LICENSE[] = "MIT";
    union bpf_attr attributes;

    clear(&attributes);
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = address_of(instructions);
    attributes.insn_cnt = count;
    attributes.license = address_of(LICENSE);
    attributes.expected_attach_type = BPF_XDP;
    snprintf(attributes.prog_name, sizeof attributes.prog_name, "%s", name);
    if (log != NULL) {
        attributes.log_buf = address_of(log);
        attributes.log_size = log_bytes;
        attributes.log_level = 1;
    }
    int program = -EAGAIN;
    for (int i = 0; i < LOAD_ATTEMPTS && program == -EAGAIN; i++)
        program = result_of(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
    return program;
}

void bpf_insert_tables(struct bpf_insn *instructions, size_t count, const int *tables)
{
    for (size_t i = 0; i < count; i++)
        if (instructions[i].code == (BPF_LD | BPF_IMM | BPF_DW) &&
            instructions[i].src_reg == BPF_PSEUDO_MAP_FD)
            instructions[i].imm = tables[instructions[i].imm];
}

int bpf_program_send_frames(int program, const void *bytes, uint32_t metadata_bytes,
                            uint32_t frame_bytes, uint32_t count)
{
    const struct xdp_md context = {.data = metadata_bytes,
                                   .data_end = metadata_bytes + frame_bytes};
    union bpf_attr attributes;

    clear(&attributes);
    attributes.test.prog_fd = (uint32_t)program;
    attributes.test.data_in = address_of(bytes);
    attributes.test.data_size_in = context.data_end;
    attributes.test.ctx_in = address_of(&context);
    attributes.test.ctx_size_in = sizeof context;
    attributes.test.repeat = count;
    attributes.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    return result_of(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes));
}

int bpf_link_create(int program, uint32_t interface_index, uint32_t flags)
{
    union bpf_attr attributes;

    clear(&attributes);
    attributes.link_create.prog_fd = (uint32_t)program;
    attributes.link_create.target_ifindex = interface_index;
    attributes.link_create.attach_type = BPF_XDP;
    attributes.link_create.flags = flags;
    return result_of(syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes));
}

int bpf_link_read(int link, struct bpf_attachment *attachment)
{
    union bpf_attr attributes;
    struct bpf_link_info info;

    clear(&attributes);
    memset(&info, 0, sizeof info);
    attributes.info.bpf_fd = (uint32_t)link;
    attributes.info.info_len = sizeof info;
    attributes.info.info = address_of(&info);
    int error = result_of(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof attributes));
    if (!error)
        *attachment = (struct bpf_attachment){info.xdp.ifindex, info.prog_id};
    return error;
}
