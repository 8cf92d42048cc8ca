#!/usr/bin/env python3
"""Writes the instructions of a program of BPF as a table of C (struct bpf_insn), from an object file of clang.

    generate_program.py OBJECT SECTION >FILE.inc

Reads what clang -target bpf makes (ELF64, little-endian). The address of a symbol table_NAME is the descriptor of a table,
which is known only when the program is loaded: its instruction gets the number TABLE_NAME (enum offload_table) instead."""

import struct
import sys

SYMTAB, REL = 2, 9
R_BPF_64_64 = 1  # of an instruction that loads an address


def sections_of(elf):
    """The sections as (name, type, link, content)."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise SystemExit("not a little-endian ELF64 file")
    offset, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size) for i in range(count)]
    text = elf[headers[names][4]:]
    return [(text_at(text, h[0]), h[1], h[6], elf[h[4]:h[4] + h[5]]) for h in headers]


def text_at(strings, offset):
    return strings[offset:strings.index(b"\0", offset)].decode()


def tables_of(sections, section):
    """The table that each relocated instruction of the section loads, by its number."""
    tables = {}
    for name, kind, link, content in sections:
        if kind != REL or name != ".rel" + section:
            continue
        symbols, strings = sections[link][3], sections[sections[link][2]][3]
        for offset, info in struct.iter_unpack("<QQ", content):
            symbol = text_at(strings, struct.unpack_from("<I", symbols, (info >> 32) * 24)[0])
            if info & 0xFFFFFFFF != R_BPF_64_64 or not symbol.startswith("table_"):
                raise SystemExit(f"a relocation to {symbol}, which is not a table")
            tables[offset // 8] = symbol.upper()
    return tables


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    with open(sys.argv[1], "rb") as file:
        sections = sections_of(file.read())
    code = next(content for name, _, _, content in sections if name == sys.argv[2])
    tables = tables_of(sections, sys.argv[2])
    for number, (opcode, registers, offset, value) in enumerate(struct.iter_unpack("<BBhi", code)):
        source, value = (registers >> 4, value) if number not in tables else ("BPF_PSEUDO_MAP_FD", tables[number])
        # The least number has no literal of its own in C.
        value = "INT32_MIN" if value == -2**31 else value
        print(f"{{{opcode:#04x}, {registers & 15}, {source}, {offset}, {value}}},")


if __name__ == "__main__":
    main()
