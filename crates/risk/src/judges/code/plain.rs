//! Whether a program surely only computes and prints: every name in it stands in a list of what does. The lists are
//! short, on purpose; a program that is not proved here is code that may do anything.

use super::super::options::listed;
use super::tokens::{Language, Token, Words};

/// Functions and words of Perl.
const PERL: &str = "print printf say if unless elsif else and or not eq ne lt gt le ge cmp x length substr index rindex uc lc \
    ucfirst lcfirst split join sort keys values each map grep reverse push shift unshift pop defined exists delete scalar sprintf \
    int abs sqrt sin cos log exp time localtime gmtime chomp chop next last my our foreach for while until hex oct ord chr pos \
    BEGIN END exit die warn return wantarray undef lc use strict warnings utf8 STDOUT STDERR STDIN max min sum first uniq \
    List Util POSIX floor ceil strftime <> rand srand reset ref feature Time HiRes qw local";

/// Words of Perl that may follow a value.
const PERL_INFIX: &str = "if unless and or x eq ne lt gt le ge cmp foreach for while until";

/// Variables of Perl that are not plain: they decide what is read, run or edited.
const PERL_UNPLAIN: &str = "@ARGV $ARGV %ENV $ENV %SIG $SIG @INC %INC $INC $0 @ISA";

/// Roots of JavaScript.
const NODE: &str = "console process Math JSON Date Number String Object Array parseInt parseFloat isNaN new let const var typeof \
    true false null undefined require if else return of in for BigInt Boolean Intl";

/// Members of JavaScript.
const NODE_MEMBERS: &str = "log info version versions arch platform uptime memoryUsage cpuUsage hrtime pid title release \
    stringify parse now toISOString getTime toString toFixed length join map filter reduce sort slice split trim toUpperCase \
    toLowerCase keys values entries max min round floor ceil abs sqrt pow random PI E cpus totalmem freemem loadavg hostname type \
    networkInterfaces endianness tmpdir homedir userInfo heapUsed heapTotal rss external node v8 openssl includes indexOf \
    startsWith endsWith replace env padStart padEnd repeat getFullYear toLocaleString";

/// Functions and constants of PHP.
const PHP: &str = "echo print var_dump print_r printf sprintf number_format phpversion php_sapi_name php_uname ini_get ini_get_all \
    get_loaded_extensions extension_loaded function_exists date time microtime date_default_timezone_get json_encode json_decode \
    memory_get_usage memory_get_peak_usage sys_get_temp_dir php_ini_loaded_file php_ini_scanned_files opcache_get_status \
    strtoupper strtolower strlen substr implode explode count array_keys array_values in_array round floor ceil abs max min sqrt \
    pow str_repeat trim md5 sha1 crc32 bin2hex base64_encode urlencode urldecode phpinfo phpcredits gettype intval floatval \
    zend_version gethostname disk_free_space disk_total_space sys_getloadavg PHP_VERSION PHP_OS PHP_EOL PHP_INT_MAX PHP_INT_SIZE \
    PHP_OS_FAMILY PHP_SAPI PHP_BINARY PHP_VERSION_ID OPENSSL_VERSION_TEXT true false null TRUE FALSE NULL if else foreach as and \
    or JSON_PRETTY_PRINT M_PI";

/// Names of Ruby.
const RUBY: &str = "puts print p pp printf RUBY_VERSION RUBY_PLATFORM RUBY_ENGINE RUBY_PATCHLEVEL RUBY_DESCRIPTION RUBY_RELEASE_DATE \
    Time Math Integer Float String Array Hash Rational Complex true false nil and or not if else unless Etc require do end PI";

/// Methods of Ruby.
const RUBY_MEMBERS: &str = "now to_s to_i to_f to_a length size upcase downcase capitalize reverse strip split join map select \
    sum min max sort first last round floor ceil abs sqrt strftime inspect count uniq zone utc iso8601 each times upto nprocessors \
    year month day hour year include? even odd zero";

/// Names of Lua.
const LUA: &str = "print _VERSION math string os table tostring tonumber type pairs ipairs if then else end for do in local and or \
    not nil true false";

/// Members of Lua.
const LUA_MEMBERS: &str = "floor ceil abs sqrt max min pi random huge sin cos format len upper lower rep reverse sub byte char date \
    time clock concat insert sort unpack maxinteger mininteger";

/// Whether a program only computes and prints. Python has a judge of its own.
pub(super) fn only_computes(words: &Words, language: Language) -> bool {
    if !words.sure || words.tokens.is_empty() {
        return false;
    }
    match language {
        Language::Perl => perl(&words.tokens),
        Language::Node => {
            chains(&words.tokens, NODE, NODE_MEMBERS) && requires(&words.tokens, &["os", "node:os"])
        }
        Language::Php => php(&words.tokens),
        Language::Ruby => {
            chains(&words.tokens, RUBY, RUBY_MEMBERS)
                && requires(&words.tokens, &["time", "date", "etc"])
        }
        Language::Lua => chains(&words.tokens, LUA, LUA_MEMBERS),
        Language::Tcl | Language::Python => false,
    }
}

fn perl(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().all(|(at, token)| match token {
        Token::Name(name) if name.starts_with(['$', '@', '%']) => {
            // A name behind a variable would be a method, unless it goes on a statement.
            let goes_on = match tokens.get(at + 1) {
                Some(Token::Name(next)) => listed(PERL_INFIX, next),
                _ => true,
            };
            !listed(PERL_UNPLAIN, name) && goes_on
        }
        Token::Name(name) => listed(PERL, name),
        Token::Text { live, .. } => !live,
        Token::Value | Token::Number(_) | Token::Line => true,
        Token::Sign('&') => {
            tokens.get(at + 1) == Some(&Token::Sign('&'))
                || (at > 0 && tokens[at - 1] == Token::Sign('&'))
        }
        // An arrow may call a method; a backslash makes a reference; a dash may test a file.
        Token::Sign('-') => {
            !matches!(tokens.get(at + 1), Some(Token::Sign('>') | Token::Name(_)))
                || minus_before_variable(tokens, at)
        }
        Token::Sign('\\' | '`' | '*') => {
            matches!(tokens.get(at), Some(Token::Sign('*'))) && is_operand_before(tokens, at)
        }
        Token::Sign(_) => true,
        Token::Command(_) => false,
    })
}

fn minus_before_variable(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at + 1), Some(Token::Name(name)) if name.starts_with('$'))
}

fn is_operand_before(tokens: &[Token], at: usize) -> bool {
    at > 0
        && match &tokens[at - 1] {
            Token::Value | Token::Number(_) | Token::Sign(')' | ']' | '*') => true,
            Token::Name(name) => name.starts_with('$') || name == "time",
            _ => false,
        }
}

/// Names with members: `a.b.c`. A member by a computed name is refused, and so is a string that computes.
fn chains(tokens: &[Token], roots: &str, members: &str) -> bool {
    tokens.iter().enumerate().all(|(at, token)| match token {
        Token::Name(name) => {
            let is_member = at > 0 && matches!(tokens[at - 1], Token::Sign('.' | ':'));
            listed(roots, name) || (is_member && listed(members, name))
        }
        Token::Text { live, .. } => !live,
        Token::Value | Token::Number(_) | Token::Line => true,
        Token::Sign('[') => {
            let indexes = at > 0
                && matches!(
                    tokens[at - 1],
                    Token::Name(_)
                        | Token::Text { .. }
                        | Token::Value
                        | Token::Number(_)
                        | Token::Sign(')' | ']' | '}')
                );
            !indexes || matches!(tokens.get(at + 1), Some(Token::Value | Token::Number(_)))
        }
        Token::Sign(sign) => "(){}].,;:+-*/%<>=!?&|^".contains(*sign),
        Token::Command(_) => false,
    })
}

/// Whether everything that is required is one of these.
fn requires(tokens: &[Token], modules: &[&str]) -> bool {
    tokens.iter().enumerate().all(|(at, token)| match token {
        Token::Name(name) if name == "require" => {
            let text = match tokens.get(at + 1) {
                Some(Token::Sign('(')) => tokens.get(at + 2),
                next => next,
            };
            matches!(text, Some(Token::Text { text, .. }) if modules.contains(&text.as_str()))
        }
        _ => true,
    })
}

fn php(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().all(|(at, token)| match token {
        Token::Name(name) if name.starts_with('$') => {
            // A variable that is called may be any function.
            !matches!(tokens.get(at + 1), Some(Token::Sign('(')))
        }
        Token::Name(name) => listed(PHP, name),
        Token::Text { live, .. } => !live && !matches!(tokens.get(at + 1), Some(Token::Sign('('))),
        Token::Value | Token::Number(_) | Token::Line => true,
        Token::Sign('(') => at == 0 || !matches!(tokens[at - 1], Token::Sign(')' | ']' | '}')),
        Token::Sign('-') => tokens.get(at + 1) != Some(&Token::Sign('>')),
        Token::Sign('[') => at == 0 || !matches!(tokens[at - 1], Token::Text { .. }),
        Token::Sign(sign) => "){}].,;:+*/%<>=!?&|^@".contains(*sign),
        Token::Command(_) => false,
    })
}
