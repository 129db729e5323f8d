/*
 * Linked into every static program by musl-gcc's specs. The kernel loads a static program and musl relocates it, but
 * nobody then makes the relocated tables read-only, as a dynamic loader would: PT_GNU_RELRO would be a
 * promise without a keeper. One mprotect, before any other constructor.
 */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* The linker's name for the ELF header in memory. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

__attribute__((constructor(101))) static void protect_relocated_tables(void)
{
    char *base = (char *)&__ehdr_start;
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);
    unsigned long page = getauxval(AT_PAGESZ);

    for (int i = 0; i < __ehdr_start.e_phnum; i++, header++) {
        if (header->p_type == PT_GNU_RELRO) {
            /* Both ends downwards, as musl's dynamic loader does. */
            unsigned long start = header->p_vaddr & -page;
            unsigned long end = (header->p_vaddr + header->p_memsz) & -page;
            if (mprotect(base + start, end - start, PROT_READ) != 0)
                __builtin_trap();
        }
    }
}
