#include "init/render.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "init/render_errors.h"
#include "init/render_files.h"
#include "init/render_scope.h"
#include "init/sys/file.h"
#include "templates/template.h"

#define OUTPUT_MAX ((size_t)8 * 1024 * 1024)
#define SCRATCH_MAX ((size_t)512 * 1024)
#define MODE_SECRET 0600
#define MODE_OPEN 0644
#define MODE_SCRIPT 0700
/* What the entrypoint of Postgres' image runs: a ConfigMap's key has no slash, so a template has a dash. */
#define SCRIPTS "initdb.d"

/* One file to be written. */
struct output {
    struct buf text;
    const char *name;
    mode_t mode;
};

static bool put(void *user, const char *data, size_t len)
{
    struct buf *buf = user;

    buf_add(buf, data, len);
    return buf_ok(buf);
}

static void render_one(const struct render_file *file, struct render_scope *scope,
                       struct buf *scratch, struct output *output, struct render_errors *errors)
{
    enum quote_kind conf = strcmp(scope->facts->engine, "redis") == 0 ? QUOTE_REDIS : QUOTE_PGCONF;
    struct template_source source = {file->text, file->len, quote_kind_of_file(file->name, conf)};
    struct template_scope names = render_scope_template(scope);
    struct template_output out = {
        .sink = {put, &output->text},
        .error = render_errors_template,
        .error_user = errors,
        .scratch = scratch->data,
        .scratch_size = scratch->len
    };

    output->name = file->name;
    output->mode = MODE_SECRET; /* what a template takes from the environment may be a secret too */
    if (strncmp(file->name, SCRIPTS "-", strlen(SCRIPTS "-")) == 0)
        output->mode = MODE_SCRIPT;
    errors->file = file->path;
    template_render(&source, &names, &out);
}

/* One line of ordain.env, which kubelet's fileKeyRef and a shell's `.` both read: no escape is
 * known to both, so that a quote or a line break cannot be written. */
static void add_env(struct buf *text, const struct render_scope *scope, const char *name,
                    struct render_errors *errors)
{
    const char *value = render_scope_fact(scope, name);

    if (value == NULL)
        return;
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\'' || (unsigned char)*p < 0x20 || *p == 0x7F) {
            render_errors_add(errors, "ordain.env: %s holds a quote or a control character", name);
            return;
        }
    }
    buf_printf(text, "%s='%s'\n", name, value);
}

static void render_env(const struct render_scope *scope, struct output *role, struct output *env,
                       struct render_errors *errors)
{
    static const char *const names[] = {"ROLE",       "ORDINAL", "POD_NAME", "POD_IP",
                                        "CLUSTER_ID", "REGION",  "ZONE"};

    role->name = "role";
    env->name = "ordain.env";
    role->mode = env->mode = MODE_OPEN;
    buf_printf(&role->text, "%s\n", scope->facts->role);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_env(&env->text, scope, names[i], errors);
}

/* True when PATH holds other text than OUTPUT's, or cannot be read. */
static bool differs(const char *path, const struct output *output)
{
    struct buf present = buf_new(output->text.len + 1);
    enum file_presence presence = FILE_THERE;
    struct err ignored;
    bool same = file_read(path, &present, &presence, &ignored) && presence == FILE_THERE &&
                present.len == output->text.len &&
                memcmp(buf_text(&present), buf_text(&output->text), present.len) == 0;

    buf_free(&present);
    return !same;
}

/* Where OUTPUT goes; makes the directory of the scripts where it is missing, unless DRY. */
static bool place(char path[static 4096], const char *dir, const struct output *output, bool dry,
                  struct err *err)
{
    char scripts[4096];

    if (output->mode != MODE_SCRIPT)
        return file_join(path, dir, output->name, err);
    if (!file_join(scripts, dir, SCRIPTS, err) ||
        !file_join(path, scripts, output->name + strlen(SCRIPTS "-"), err))
        return false;
    if (!dry && mkdir(scripts, 0755) != 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make '%s'", scripts);
    return true;
}

static bool write_one(const char *dir, const struct output *output, bool dry, size_t *changed,
                      struct err *err)
{
    char path[4096];
    bool written = false;

    if (!place(path, dir, output, dry, err))
        return false;
    if (dry)
        written = differs(path, output);
    else if (!file_write(path, buf_text(&output->text), output->text.len, output->mode, &written,
                         err))
        return err_wrap(err, "configuration");
    if (written)
        ++*changed;
    return true;
}

static bool render_all(const struct render_files *files, struct render_scope *scope,
                       struct output *outputs, struct render_errors *errors, struct err *err)
{
    static const char zeros[4096];
    struct buf scratch = buf_new(SCRATCH_MAX);
    bool ok = false;

    while (scratch.len < SCRATCH_MAX && buf_ok(&scratch))
        buf_add(&scratch, zeros, sizeof zeros);
    if (!buf_ok(&scratch)) {
        err_set(err, ERR_IO, "templates: out of memory");
        goto out;
    }
    for (size_t i = 0; i < files->count; i++)
        render_one(&files->file[i], scope, &scratch, &outputs[i], errors);
    render_env(scope, &outputs[files->count], &outputs[files->count + 1], errors);
    ok = render_errors_end(errors, err);
out:
    if (scratch.data != NULL)
        explicit_bzero(scratch.data, scratch.len);
    buf_free(&scratch);
    return ok;
}

bool render_config(const struct render_facts *facts, bool dry, size_t *changed, struct err *err)
{
    struct output outputs[RENDER_FILES_MAX + 2];
    struct render_errors errors = {0};
    struct render_files files;
    struct render_scope scope = {0};
    bool ok = false;

    *changed = 0;
    for (size_t i = 0; i < RENDER_FILES_MAX + 2; i++)
        outputs[i] = (struct output){.text = buf_new(OUTPUT_MAX)};
    if (!render_files_open(&files, facts->engine, facts->settings->template_dir, &errors, err))
        goto out;
    if (!render_scope_open(&scope, facts, render_files_has(&files, "extra.conf"), err))
        goto out;
    if (!render_all(&files, &scope, outputs, &errors, err))
        goto out;
    ok = true;
    for (size_t i = 0; ok && i < files.count + 2; i++)
        ok = write_one(facts->settings->config_dir, &outputs[i], dry, changed, err);
out:
    for (size_t i = 0; i < RENDER_FILES_MAX + 2; i++) {
        if (outputs[i].text.data != NULL)
            explicit_bzero(outputs[i].text.data, outputs[i].text.len);
        buf_free(&outputs[i].text);
    }
    render_scope_close(&scope);
    render_files_close(&files);
    return ok;
}
