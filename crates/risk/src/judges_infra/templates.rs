//! Output templates of the kind `{{.State.Status}}`: whether what they show may hold the environment of a container,
//! where passwords stand.

/// Parts of a container's `Config` and a service's `Spec` in which no passwords stand.
const PLAIN_SETTINGS: &str = "Image Labels Hostname Domainname User WorkingDir ExposedPorts Healthcheck Entrypoint Cmd Volumes StopSignal StopTimeout Tty OpenStdin Name Mode UpdateConfig RollbackConfig EndpointSpec";
/// Words of the template language, and functions that only shape text.
const SHAPING: &str = "json jsonpretty println print printf join split title lower upper truncate pad len eq ne lt le gt ge and or not table index slice if else end range with block define template";

/// Whether a template may show an environment. What is not understood may.
pub(super) fn may_show_environment(template: &str) -> bool {
    if !template.contains("{{") {
        // `json`, `table …` and the like show everything.
        return true;
    }
    let mut inside_scope = false;
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start + 2..].find("}}") else {
            return true;
        };
        let action = &rest[start + 2..start + 2 + length];
        if action_shows_environment(action, inside_scope) {
            return true;
        }
        let first = action
            .trim_matches(['-', ' '])
            .split_whitespace()
            .next()
            .unwrap_or_default();
        // Inside, the dot is a part of something that was seen to be harmless.
        inside_scope |= first == "range" || first == "with";
        rest = &rest[start + 2 + length + 2..];
    }
    false
}

fn action_shows_environment(action: &str, inside_scope: bool) -> bool {
    let mut rest = action.trim();
    while let Some(letter) = rest.chars().next() {
        if letter == '"' || letter == '`' {
            let Some(end) = rest[1..].find(letter) else {
                return true;
            };
            let text = &rest[1..=end];
            if text.contains("Env") || text.contains("Config") || text.contains("Spec") {
                return true;
            }
            rest = &rest[end + 2..];
        } else if letter == '.' || letter == '$' || letter.is_ascii_alphanumeric() {
            let end = rest
                .find(|other: char| !(other.is_ascii_alphanumeric() || "._$".contains(other)))
                .unwrap_or(rest.len());
            if word_shows_environment(&rest[..end], inside_scope) {
                return true;
            }
            rest = &rest[end..];
        } else if " ()|,:=-'/".contains(letter) {
            rest = &rest[1..];
        } else {
            return true;
        }
    }
    false
}

fn word_shows_environment(word: &str, inside_scope: bool) -> bool {
    let path = match word.strip_prefix('$') {
        None if !word.starts_with('.') => {
            let number = word.bytes().all(|byte| byte.is_ascii_digit());
            return !number && !is_shaping(word);
        }
        None => word,
        Some("") => return true,
        // A variable holds a part of what was seen; `$.X` begins at the top again.
        Some(rest) if rest.starts_with('.') => rest,
        Some(rest) => rest.find('.').map_or("", |at| &rest[at..]),
    };
    let parts: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => !inside_scope && !word.starts_with('$'),
        ["Config" | "Spec"] => true,
        ["Config" | "Spec", second, ..] => {
            !super::notes::listed(PLAIN_SETTINGS, second) || parts.contains(&"Env")
        }
        parts => parts.contains(&"Env"),
    }
}

fn is_shaping(word: &str) -> bool {
    super::notes::listed(SHAPING, word)
}

#[cfg(test)]
mod tests {
    use super::may_show_environment;

    #[test]
    fn a_template_of_single_fields_shows_no_environment() {
        for template in [
            "{{.State.Status}}",
            "{{ .Name }}: {{ .State.Health.Status }}",
            "{{json .State}}",
            "{{json .NetworkSettings.Ports}}",
            "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}",
            "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}",
            "{{range .Mounts}}{{json .}}{{end}}",
            "{{.HostConfig.RestartPolicy.Name}}",
            "{{index .Config.Labels \"com.docker.compose.project\"}}",
            "{{.Config.Image}}",
            "{{if .State.Running}}up{{else}}down{{end}}",
            "{{- .Id -}}",
            "{{len .Mounts}}",
        ] {
            assert!(!may_show_environment(template), "{template}");
        }
    }

    #[test]
    fn a_template_that_reaches_the_environment_shows_it() {
        for template in [
            "{{.Config.Env}}",
            "{{json .Config}}",
            "{{json .}}",
            "{{.}}",
            "{{$.Config.Env}}",
            "{{with .Config}}{{.Env}}{{end}}",
            "{{range .Config.Env}}{{println .}}{{end}}",
            "{{index .Config \"Env\"}}",
            "{{index (index . \"Config\") \"Env\"}}",
            "{{range $k, $v := .}}{{$v}}{{end}}",
            "{{json $}}",
            "{{.Spec.TaskTemplate.ContainerSpec.Env}}",
            "{{.State.Status",
            "json",
            "{{call .X}}",
        ] {
            assert!(may_show_environment(template), "{template}");
        }
    }
}
