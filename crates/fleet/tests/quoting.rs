//! Hostile arguments come back byte for byte through a real sshd with each kind of login shell, whatever stands in
//! them: this is what makes `RemoteCommand` the only place that quotes.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use watchkeeper_fleet::{
    Connection, Exit, Limits, RemoteCommand, SshTarget, SystemSshConnection, SystemSshSettings,
};
use watchkeeper_testkit::sshd::{Sshd, SshdOptions, program};

/// What has broken quoting somewhere before.
const NASTY: [&[u8]; 30] = [
    b"",
    b" ",
    b"-n",
    b"--",
    b"-oProxyCommand=id",
    b"'",
    b"''\\''",
    b"\"",
    b"\\",
    b"\\\\n",
    b"\n",
    b"\r\n",
    b"\n\n#",
    b"$(id)",
    b"`id`",
    b"${IFS}",
    b"$1",
    b"*",
    b"[a-z]?",
    b"~root",
    b"a=b",
    b"; id",
    b"&& id &",
    b"!!",
    b"{a,b}",
    b"\xff\xfe",
    b"\xc3",
    b"\x01\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89",
    "ä\u{202e}\u{200b}漢".as_bytes(),
    b"\x1b[2J",
];

/// How many commands each shell is given.
const CASES: u32 = 48;

fn argument() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(NASTY.to_vec()).prop_map(<[u8]>::to_vec),
        proptest::collection::vec(1..=255_u8, 0..12),
        ".{0,8}".prop_map(|text: String| text.replace('\0', "").into_bytes()),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Every byte but NUL alone, and every pair with the quoting characters.
fn every_byte() -> Vec<Vec<u8>> {
    let around = |byte: u8| {
        [
            vec![byte],
            vec![b'\'', byte],
            vec![byte, b'\\'],
            vec![byte, byte, b'\n'],
        ]
    };
    (1..=255).flat_map(around).collect()
}

fn echo(args: &[Vec<u8>]) -> RemoteCommand {
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    args.iter().fold(
        RemoteCommand::new("printf").arg("%s\\0").limits(limits),
        |command, arg| command.arg(arg),
    )
}

async fn check(connection: &dyn Connection, args: &[Vec<u8>]) {
    let output = connection.run(echo(args)).await.expect("a result");
    let expect: Vec<u8> = args
        .iter()
        .flat_map(|arg| [arg.as_slice(), b"\0"].concat())
        .collect();
    assert_eq!(output.exit, Exit::Code(0), "{output:?}");
    assert!(
        output.stdout == expect,
        "sent {args:?}, got {:?}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(
        output.stderr.is_empty(),
        "{:?}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn check_shell(shell: String) {
    let sshd = Sshd::start(&SshdOptions {
        shell: Some(shell),
        ..SshdOptions::default()
    });
    let target = SshTarget {
        address: "127.0.0.1".to_owned(),
        port: sshd.port(),
        login: sshd.login().to_owned(),
        identity_files: vec![sshd.client_key()],
        passphrase_file: None,
        agent_socket: None,
        host_key_alias: None,
        known_hosts: vec![sshd.known_hosts()],
        jump: Vec::new(),
        connect_timeout: Duration::from_secs(10),
    };
    let destination = target.address.clone();
    let settings = SystemSshSettings {
        destination,
        user_config: None,
        runtime_dir: sshd.dir().to_owned(),
    };
    let connection = SystemSshConnection::new(target, settings);
    check(&connection, &every_byte()).await;
    check(&connection, &NASTY.map(<[u8]>::to_vec)).await;
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        ..Config::default()
    });
    let strategy = proptest::collection::vec(argument(), 1..12);
    for _ in 0..CASES {
        let args = strategy.new_tree(&mut runner).expect("a value").current();
        check(&connection, &args).await;
    }
    connection.close().await;
}

#[tokio::test]
async fn dash_gives_hostile_arguments_back() {
    check_shell(program("dash").display().to_string()).await;
}

#[tokio::test]
async fn bash_gives_hostile_arguments_back() {
    check_shell(program("bash").display().to_string()).await;
}

#[tokio::test]
async fn busybox_gives_hostile_arguments_back() {
    check_shell(format!("{} sh", program("busybox").display())).await;
}
