#ifndef NET_OFFLOAD_OFFLOAD_PROGRAM_H
#define NET_OFFLOAD_OFFLOAD_PROGRAM_H

#include "offload/offload_tables.h"

#include <stddef.h>
#include <stdint.h>

/* The program of the offload, compiled from src/net/offload/xdp_program.bpf.c, and the tables that
 * it needs. */

/* The program names them table_index and so on. */
enum offload_table {
    TABLE_INDEX,
    TABLE_RECORDS,
    TABLE_WORKERS,
    TABLE_ROTATIONS,
    TABLE_MESSAGES,
    TABLE_COUNTERS,
    TABLE_RATE_BUCKETS,
    TABLE_INGRESS,
    TABLE_COPIES,
    TABLE_COPY_MESSAGES,
    TABLE_COPY_RUNS,
    OFFLOAD_TABLES,
};

/* Creates a table. Returns its descriptor or -errno; *failed is then its name, a static string. */
int offload_table_create(enum offload_table table, const struct offload_size *size,
                         const char **failed);

/* The size of the memory of a table that can be mapped; 0 for another one. */
size_t offload_table_bytes(enum offload_table table, const struct offload_size *size);

/* Loads the program with these tables. The report of the verifier is written to log, as by
 * bpf_program_load. Returns a descriptor or -errno; -EOPNOTSUPP: the host is big-endian, or its
 * kernel lacks a function that the program calls. */
int offload_program_load(const int tables[OFFLOAD_TABLES], char *log, uint32_t log_bytes);

#endif
