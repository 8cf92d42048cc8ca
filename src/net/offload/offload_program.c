#include "net/offload/offload_program.h"

#include "admission/rate_buckets.h"
#include "net/offload/bpf_call.h"
#include "offload/client_index.h"
#include "offload/copy_tables.h"
#include "offload/offload_tables.h"

#include <errno.h>
#include <string.h>

static const struct bpf_insn INSTRUCTIONS[] = {
#include "xdp_program.inc"
};

enum { INSTRUCTIONS_COUNT = sizeof INSTRUCTIONS / sizeof INSTRUCTIONS[0] };

/* The entries of a table are so many, or one for each record, worker or sender times these. Those
 * of the index are offload_index_entries. */
static const struct description {
    struct bpf_table table;
    uint32_t per_record, per_worker, per_sender;
    const char *name;
} DESCRIPTIONS[OFFLOAD_TABLES] = {
    [TABLE_INDEX] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_index_line), 0,
                      BPF_F_MMAPABLE, "udpsrv_index"},
                     .name = "index of clients"},
    [TABLE_RECORDS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_record), 0,
                        BPF_F_MMAPABLE, "udpsrv_records"},
                       .per_record = 1,
                       .name = "records of clients"},
    [TABLE_WORKERS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_worker), 0,
                        BPF_F_MMAPABLE, "udpsrv_workers"},
                       .per_worker = 1,
                       .name = "settings of workers"},
    [TABLE_ROTATIONS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_rotation),
                          OFFLOAD_ROTATIONS, BPF_F_MMAPABLE, "udpsrv_rotation"},
                         .name = "table of rotations"},
    [TABLE_MESSAGES] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_message),
                         OFFLOAD_ROTATIONS *OFFLOAD_MESSAGES_MAX, 0, "udpsrv_messages"},
                        .name = "table of messages"},
    [TABLE_COUNTERS] = {{BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t), sizeof(uint64_t), 0, 0,
                         "udpsrv_counters"},
                        .per_worker = OFFLOAD_COUNTERS,
                        .name = "table of counters"},
    [TABLE_RATE_BUCKETS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct rate_bucket_set),
                             RATE_BUCKET_BLOCKS, BPF_F_MMAPABLE, "udpsrv_rates"},
                            .name = "table of rates"},
    [TABLE_INGRESS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_ingress), 1,
                        BPF_F_MMAPABLE, "udpsrv_ingress"},
                       .name = "table of interfaces"},
    [TABLE_COPIES] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_copy), 0,
                       BPF_F_MMAPABLE, "udpsrv_copies"},
                      .per_sender = OFFLOAD_COPIES_MAX,
                      .name = "table of copies"},
    [TABLE_COPY_MESSAGES] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_message),
                              0, BPF_F_MMAPABLE, "udpsrv_copy_msg"},
                             .per_sender = OFFLOAD_COPY_MESSAGES,
                             .name = "messages of copies"},
    [TABLE_COPY_RUNS] = {{BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct offload_copy_run), 0,
                          BPF_F_MMAPABLE, "udpsrv_copy_run"},
                         .per_sender = 1,
                         .name = "runs of copies"},
};
_Static_assert(sizeof(struct offload_message) % sizeof(uint64_t) == 0,
               "the kernel rounds the values of a table up to 8 bytes");
_Static_assert(sizeof(struct offload_index_head) == sizeof(struct offload_index_line),
               "the head is a line of the index");

static uint32_t entries_of(enum offload_table table, const struct offload_size *size)
{
    const struct description *description = &DESCRIPTIONS[table];

    if (table == TABLE_INDEX)
        return offload_index_entries(size->records);
    return description->table.entries + size->records * description->per_record +
           size->workers * description->per_worker + size->senders * description->per_sender;
}

int offload_table_create(enum offload_table table, const struct offload_size *size,
                         const char **failed)
{
    const struct description *description = &DESCRIPTIONS[table];
    struct bpf_table created = description->table;

    created.entries = entries_of(table, size);
    int descriptor = bpf_table_create(&created);
    if (descriptor < 0)
        *failed = description->name;
    return descriptor;
}

size_t offload_table_bytes(enum offload_table table, const struct offload_size *size)
{
    const struct bpf_table *created = &DESCRIPTIONS[table].table;

    if ((created->flags & BPF_F_MMAPABLE) == 0)
        return 0;
    return (size_t)entries_of(table, size) * created->value_bytes;
}

int offload_program_load(const int tables[OFFLOAD_TABLES], char *log, uint32_t log_bytes)
{
    struct bpf_insn instructions[INSTRUCTIONS_COUNT];

    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        return -EOPNOTSUPP;
    memcpy(instructions, INSTRUCTIONS, sizeof instructions);
    bpf_insert_tables(instructions, INSTRUCTIONS_COUNT, tables);
    int program =
        bpf_program_load(instructions, INSTRUCTIONS_COUNT, "udpsrv_offload", log, log_bytes);
    return program == -EINVAL ? -EOPNOTSUPP : program; /* the number of a function is unknown */
}
