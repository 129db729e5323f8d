#include "templates/template.h"

#include <string.h>

#include "templates/template_run.h"

/* One #@if or #@for that is open. */
struct block {
    bool loop;
    bool outer_active;
    bool taken; /* a branch of the #@if was written, or none may be any more */
    bool other; /* behind its #@else */
    size_t line, column;
    const char *body; /* of a loop: where its lines begin, and their number */
    size_t body_line;
    size_t errors; /* at the beginning of this round of a loop */
};

struct lines {
    struct template_run run;
    struct block blocks[TEMPLATE_DEPTH_MAX];
    size_t depth;
    size_t skipped;   /* blocks that found no room: their #@end belongs to them */
    const char *next; /* line to read */
    const char *end;
    size_t next_line;
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

static struct template_span span(const char *from, const char *to)
{
    return (struct template_span){from, (size_t)(to - from)};
}

static bool span_is(struct template_span text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* The next word of a directive: up to a blank, or between quotes. Moves *AT behind it. False:
 * quotes without their end, or no word. */
static bool read_argument(const char **at, const char *end, struct template_span *word)
{
    const char *p = skip_blanks(*at, end);
    const char *from = p;

    if (p < end && (*p == '"' || *p == '\'')) {
        p = memchr(from + 1, *from, (size_t)(end - from - 1));
        if (p == NULL)
            return false;
        *word = span(from + 1, p);
        *at = p + 1;
        return *at == end || **at == ' ' || **at == '\t';
    }
    while (p < end && *p != ' ' && *p != '\t')
        p++;
    *word = span(from, p);
    *at = p;
    return p > from;
}

struct condition {
    struct template_span name, word;
    enum { COND_SET, COND_EQUAL, COND_DIFFERENT } test;
};

static bool parse_condition(const char *at, const char *end, struct condition *condition)
{
    struct template_span sign;
    const char *name = skip_blanks(at, end);
    const char *p = template_run_name(name, end);

    *condition = (struct condition){.name = span(name, p)};
    if (p == name || (p < end && *p != ' ' && *p != '\t'))
        return false;
    if (skip_blanks(p, end) == end)
        return true;
    if (!read_argument(&p, end, &sign))
        return false;
    if (span_is(sign, "=="))
        condition->test = COND_EQUAL;
    else if (span_is(sign, "!="))
        condition->test = COND_DIFFERENT;
    else
        return false;
    return read_argument(&p, end, &condition->word) && skip_blanks(p, end) == end;
}

/* Opens a block; NULL where the directives are too deep, which is told. */
static struct block *open_block(struct lines *lines, const char *at)
{
    struct template_run *run = &lines->run;
    struct block *block;

    if (lines->depth == TEMPLATE_DEPTH_MAX) {
        if (lines->skipped == 0)
            template_run_error(run, TEMPLATE_BLOCKS_DEEP, at, span(at, at));
        lines->skipped++;
        return NULL;
    }
    block = &lines->blocks[lines->depth++];
    *block = (struct block){.outer_active = run->active,
                            .line = run->line,
                            .column = (size_t)(at - run->line_start) + 1};
    return block;
}

static void begin_if(struct lines *lines, const char *at, const char *rest, const char *end)
{
    struct template_run *run = &lines->run;
    struct block *block = open_block(lines, at);
    struct condition condition;
    struct template_span value = {"", 0};
    bool set;

    if (block == NULL)
        return;
    block->taken = true; /* neither branch, unless the condition is understood */
    if (!parse_condition(rest, end, &condition)) {
        template_run_error(run, TEMPLATE_BAD_CONDITION, at, span(rest, end));
        run->active = false;
        return;
    }
    if (!run->active)
        return;
    set = run->scope->lookup(run->scope->user, condition.name.data, condition.name.len, run->peer,
                             &value);
    if (condition.test == COND_SET) {
        run->active = block->taken = set && value.len > 0;
    } else if (!set) {
        template_run_error(run, TEMPLATE_UNSET, condition.name.data, condition.name);
        run->active = false;
    } else {
        bool equal = value.len == condition.word.len &&
                     memcmp(value.data, condition.word.data, value.len) == 0;

        run->active = block->taken = equal == (condition.test == COND_EQUAL);
    }
}

static bool in_loop(const struct lines *lines)
{
    for (size_t i = 0; i < lines->depth; i++)
        if (lines->blocks[i].loop)
            return true;
    return false;
}

static void begin_for(struct lines *lines, const char *at, const char *rest, const char *end)
{
    struct template_run *run = &lines->run;
    bool nested = in_loop(lines);
    struct block *block = open_block(lines, at);
    const char *list = skip_blanks(rest, end);

    if (block == NULL)
        return;
    block->loop = true;
    block->body = lines->next;
    block->body_line = lines->next_line;
    if (!span_is(span(list, end), "peer")) {
        template_run_error(run, TEMPLATE_BAD_LIST, at, span(list, end));
        run->active = block->loop = false;
    } else if (nested) {
        template_run_error(run, TEMPLATE_FOR_IN_FOR, at, span(list, end));
        run->active = block->loop = false;
    } else if (run->scope->peer_count == 0) {
        run->active = false;
    } else if (run->active) {
        run->peer = 0;
    }
    block->errors = run->errors;
}

static void read_else(struct lines *lines, const char *at)
{
    struct template_run *run = &lines->run;
    struct block *block = lines->depth > 0 ? &lines->blocks[lines->depth - 1] : NULL;

    if (lines->skipped > 0)
        return;
    if (block == NULL || block->body != NULL || block->other) {
        template_run_error(run, TEMPLATE_ELSE_ALONE, at, span(at, at));
        return;
    }
    block->other = true;
    run->active = block->outer_active && !block->taken;
}

static void read_end(struct lines *lines, const char *at)
{
    struct template_run *run = &lines->run;
    struct block *block;

    if (lines->skipped > 0) {
        lines->skipped--;
        return;
    }
    if (lines->depth == 0) {
        template_run_error(run, TEMPLATE_END_ALONE, at, span(at, at));
        return;
    }
    block = &lines->blocks[lines->depth - 1];
    if (block->loop && run->active && !run->stopped && ++run->peer < run->scope->peer_count) {
        run->muted = run->muted || run->errors > block->errors;
        block->errors = run->errors;
        lines->next = block->body;
        lines->next_line = block->body_line;
        return;
    }
    if (block->loop) {
        run->peer = TEMPLATE_NO_PEER;
        run->muted = false;
    }
    run->active = block->outer_active;
    lines->depth--;
}

/* A line that begins with #@, at AT; END is behind its last character that is no blank. */
static void read_directive(struct lines *lines, const char *at, const char *end)
{
    const char *word = at + 2;
    const char *rest = template_run_name(word, end);
    struct template_span name = span(word, rest);
    bool alone = skip_blanks(rest, end) == end;

    if (span_is(name, "if"))
        begin_if(lines, at, rest, end);
    else if (span_is(name, "for"))
        begin_for(lines, at, rest, end);
    else if (span_is(name, "else") && alone)
        read_else(lines, at);
    else if (span_is(name, "end") && alone)
        read_end(lines, at);
    else
        template_run_error(&lines->run, TEMPLATE_BAD_DIRECTIVE, at, span(word, end));
}

static void read_line(struct lines *lines)
{
    struct template_run *run = &lines->run;
    const char *from = lines->next;
    const char *newline = memchr(from, '\n', (size_t)(lines->end - from));
    const char *end = newline == NULL ? lines->end : newline + 1;
    const char *stop = newline == NULL ? lines->end : newline;
    const char *first = skip_blanks(from, stop);
    const char *nul = memchr(from, '\0', (size_t)(end - from));

    run->line_start = from;
    run->line = lines->next_line++;
    lines->next = end;
    if (nul != NULL) {
        template_run_error(run, TEMPLATE_NUL, nul, span(nul, nul));
    } else if (stop - first >= 2 && memcmp(first, "#@", 2) == 0) {
        while (stop > first && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        read_directive(lines, first, stop);
    } else {
        template_run_line(run, from, end);
    }
}

size_t template_render(const struct template_source *source, const struct template_scope *scope,
                       const struct template_output *output)
{
    bool mark = source->len >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0;
    struct lines lines = {
        .run = {.scope = scope,
                .output = output,
                .cursor = quote_cursor_new(source->kind),
                .peer = TEMPLATE_NO_PEER,
                .active = true},
        .next = source->text + (mark ? 3 : 0),
        .end = source->text + source->len,
        .next_line = 1
    };

    while (lines.next < lines.end && !lines.run.stopped)
        read_line(&lines);
    while (lines.depth > 0 && !lines.run.stopped) {
        const struct block *block = &lines.blocks[--lines.depth];
        struct template_error error = {
            .problem = TEMPLATE_NO_END, .line = block->line, .column = block->column};

        lines.run.muted = false;
        template_run_tell(&lines.run, &error);
    }
    return lines.run.errors;
}
