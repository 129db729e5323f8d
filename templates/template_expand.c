#include <string.h>

#include "templates/template_run.h"

/* What stands between the braces, read so far. */
struct placeholder {
    const char *at; /* its $ */
    struct template_span name;
    bool encoded; /* an encoder was named */
    enum quote_kind encoder;
};

void template_run_tell(struct template_run *run, struct template_error *error)
{
    if (run->muted)
        return;
    run->errors++;
    run->output->error(run->output->error_user, error);
}

bool template_run_error(struct template_run *run, enum template_problem problem, const char *at,
                        struct template_span subject)
{
    struct template_error error = {.problem = problem,
                                   .line = run->line,
                                   .column = (size_t)(at - run->line_start) + 1,
                                   .subject = subject};

    template_run_tell(run, &error);
    return false;
}

/* A placeholder without a value: the line goes on. */
static void fail(struct template_run *run, enum template_problem problem,
                 const struct placeholder *placeholder)
{
    run->failed = true;
    template_run_error(run, problem, placeholder->at, placeholder->name);
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

const char *template_run_name(const char *at, const char *end)
{
    if (at == end || !is_letter(*at))
        return at;
    while (at < end && (is_letter(*at) || (*at >= '0' && *at <= '9')))
        at++;
    return at;
}

static bool scratch_put(void *user, const char *data, size_t len)
{
    struct template_run *run = user;

    if (len > run->output->scratch_size - run->scratch_used)
        return false;
    memmove(run->output->scratch + run->scratch_used, data, len);
    run->scratch_used += len;
    return true;
}

/* Writes VALUE, encoded, at the top of the scratch and makes it that. */
static enum quote_status encode(struct template_run *run, enum quote_kind kind,
                                struct template_span *value)
{
    struct quote_sink sink = {scratch_put, run};
    size_t mark = run->scratch_used;
    enum quote_status status = quote_value(kind, value->data, value->len, &sink);

    *value = (struct template_span){run->output->scratch + mark, run->scratch_used - mark};
    return status;
}

static void fail_quoting(struct template_run *run, const struct placeholder *placeholder,
                         enum quote_status status)
{
    struct template_error error = {.problem = TEMPLATE_UNQUOTABLE,
                                   .line = run->line,
                                   .column = (size_t)(placeholder->at - run->line_start) + 1,
                                   .subject = placeholder->name,
                                   .quote = status};

    run->failed = true;
    template_run_tell(run, &error);
}

static bool expand(struct template_run *run, const char **at, const char *end, int depth,
                   bool active, struct placeholder *placeholder, struct template_span *value);

/* Reads a word up to the } that ends its placeholder and, where ACTIVE, builds it in the scratch.
 * False: a syntax error, told. */
static bool read_word(struct template_run *run, const char **at, const char *end, int depth,
                      bool active, const struct placeholder *placeholder,
                      struct template_span *word)
{
    size_t mark = run->scratch_used;
    const char *p = *at;
    bool fits = true;

    while (p < end && *p != '}') {
        struct template_span piece = {p, 1};
        size_t piece_mark = run->scratch_used;

        if (end - p >= 3 && memcmp(p, "$${", 3) == 0) {
            piece = (struct template_span){p + 1, 2};
            p += 3;
        } else if (end - p >= 2 && memcmp(p, "${", 2) == 0) {
            struct placeholder inner;

            if (!expand(run, &p, end, depth + 1, active, &inner, &piece))
                return false;
        } else if (*p == '\\' && end - p >= 2 && (p[1] == '}' || p[1] == '\\')) {
            piece.data = p + 1;
            p += 2;
        } else {
            p++;
        }
        run->scratch_used = piece_mark;
        if (active && fits)
            fits = scratch_put(run, piece.data, piece.len);
    }
    if (p == end)
        return template_run_error(run, TEMPLATE_UNTERMINATED, placeholder->at, placeholder->name);
    *at = p;
    *word = (struct template_span){run->output->scratch + mark, run->scratch_used - mark};
    if (!fits)
        fail(run, TEMPLATE_VALUE_LONG, placeholder);
    return true;
}

/* Name and encoder. False: a syntax error, told. */
static bool read_name(struct template_run *run, const char **at, const char *end,
                      struct placeholder *placeholder)
{
    const char *name = *at + 2;
    const char *p = template_run_name(name, end);

    *placeholder = (struct placeholder){
        .at = *at, .name = {name, (size_t)(p - name)}
    };
    if (p == name)
        return template_run_error(run, name == end ? TEMPLATE_UNTERMINATED : TEMPLATE_BAD_NAME, *at,
                                  placeholder->name);
    if (p < end && *p == '@') {
        const char *encoder = p + 1;
        struct template_span span;

        p = template_run_name(encoder, end);
        span = (struct template_span){encoder, (size_t)(p - encoder)};
        placeholder->encoded = true;
        if (!quote_kind_parse(span.data, span.len, &placeholder->encoder))
            return template_run_error(run, TEMPLATE_BAD_ENCODER, encoder - 1, span);
    }
    *at = p;
    return true;
}

/* ':' and one of '-' '?' '+', or the sign alone; 0 for no operator. False: an unknown one, told. */
static bool read_operator(struct template_run *run, const char **at, const char *end,
                          const struct placeholder *placeholder, char *sign, bool *colon)
{
    const char *p = *at;

    *sign = 0;
    *colon = p < end && *p == ':';
    if (*colon)
        p++;
    if (p == end)
        return template_run_error(run, TEMPLATE_UNTERMINATED, placeholder->at, placeholder->name);
    if (*p == '}' && !*colon)
        return true;
    if (*p != '-' && *p != '?' && *p != '+')
        return template_run_error(run, TEMPLATE_BAD_OPERATOR, *at, placeholder->name);
    *sign = *p;
    *at = p + 1;
    return true;
}

static void fail_required(struct template_run *run, const struct placeholder *placeholder,
                          struct template_span text)
{
    struct template_error error = {.problem = TEMPLATE_REQUIRED,
                                   .line = run->line,
                                   .column = (size_t)(placeholder->at - run->line_start) + 1,
                                   .subject = placeholder->name,
                                   .text = text};

    run->failed = true;
    template_run_tell(run, &error);
}

/* Expands the placeholder at *AT and leaves *AT behind it. The value may lie in the scratch, above
 * where its top was. False: a syntax error, told. Recursion is bounded by DEPTH. */
static bool expand(struct template_run *run, const char **at, const char *end, int depth,
                   bool active, struct placeholder *placeholder, struct template_span *value)
{
    struct template_span word = {"", 0};
    bool set, take_word, colon;
    char sign;

    *value = word;
    if (depth >= TEMPLATE_DEPTH_MAX)
        return template_run_error(run, TEMPLATE_DEEP, *at, word);
    if (!read_name(run, at, end, placeholder) ||
        !read_operator(run, at, end, placeholder, &sign, &colon))
        return false;
    set = active && run->scope->lookup(run->scope->user, placeholder->name.data,
                                       placeholder->name.len, run->peer, value);
    if (!set)
        *value = word;
    take_word = (set && (!colon || value->len > 0)) == (sign == '+');
    if (sign != 0 && !read_word(run, at, end, depth, active && take_word, placeholder, &word))
        return false;
    ++*at; /* the } */
    if (!active)
        return true;
    if (sign == 0 && !set)
        fail(run, TEMPLATE_UNSET, placeholder);
    else if (sign == '?' && take_word)
        fail_required(run, placeholder, word);
    else if (sign == '+' || take_word) /* the word is empty where it is not taken */
        *value = word;
    if (depth > 0 && placeholder->encoded) {
        enum quote_status status = encode(run, placeholder->encoder, value);

        if (status == QUOTE_FULL)
            fail(run, TEMPLATE_VALUE_LONG, placeholder);
        else if (status != QUOTE_OK)
            fail_quoting(run, placeholder, status);
    }
    return true;
}

static void stop(struct template_run *run, const char *at)
{
    if (!run->stopped)
        template_run_error(run, TEMPLATE_OUTPUT_LONG, at, (struct template_span){"", 0});
    run->stopped = true;
}

/* Text that stands in the file as it is. */
static void put_text(struct template_run *run, const char *data, size_t len, const char *at)
{
    const struct quote_sink *sink = &run->output->sink;

    if (!run->active || len == 0 || run->stopped)
        return;
    if (quote_cursor_pass(&run->cursor, data, len) != QUOTE_OK) {
        struct placeholder here = {
            .at = at, .name = {data, 1}
        };

        fail_quoting(run, &here, QUOTE_TOUCHES);
    }
    if (!sink->put(sink->user, data, len))
        stop(run, at);
}

static void put_value(struct template_run *run, const struct placeholder *placeholder,
                      struct template_span value)
{
    const struct quote_sink *sink = &run->output->sink;
    enum quote_status status = QUOTE_OK;

    if (!placeholder->encoded || placeholder->encoder == run->cursor.kind) {
        status = quote_cursor_put(&run->cursor, value.data, value.len, sink);
    } else if (placeholder->encoder == QUOTE_RAW) {
        put_text(run, value.data, value.len, placeholder->at);
    } else {
        status = encode(run, placeholder->encoder, &value);
        if (status == QUOTE_FULL) {
            fail(run, TEMPLATE_VALUE_LONG, placeholder);
            return;
        }
        if (status == QUOTE_OK)
            status = quote_cursor_put_made(&run->cursor, value.data, value.len, sink);
    }
    if (status == QUOTE_FULL)
        stop(run, placeholder->at);
    else if (status != QUOTE_OK)
        fail_quoting(run, placeholder, status);
}

void template_run_line(struct template_run *run, const char *at, const char *end)
{
    const char *text = at;
    const char *line_end = end > at && end[-1] == '\n' ? end - 1 : end;
    const char *p;

    while (!run->stopped && (p = memchr(at, '$', (size_t)(line_end - at))) != NULL) {
        struct placeholder placeholder;
        struct template_span value;

        if (line_end - p >= 3 && memcmp(p, "$${", 3) == 0) {
            put_text(run, text, (size_t)(p - text), text);
            text = p + 1; /* its second $ and the brace are text */
            at = p + 3;
            continue;
        }
        at = p + 1;
        if (at == line_end || *at != '{')
            continue;
        put_text(run, text, (size_t)(p - text), text);
        at = p;
        run->failed = false;
        run->scratch_used = 0;
        if (!expand(run, &at, line_end, 0, run->active, &placeholder, &value)) {
            at = text = line_end;
            break;
        }
        if (run->active && !run->failed)
            put_value(run, &placeholder, value);
        text = at;
    }
    put_text(run, text, (size_t)(end - text), text);
}
