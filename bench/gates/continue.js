// Asks Continue's judge: a JSON list of commands on standard input, its verdicts and the nanoseconds of each as JSON on
// standard output. The first argument is the folder that `setup` made.
const path = require("path");
const { evaluateTerminalCommandSecurity } = require(path.join(process.argv[2], "judge.js"));
const commands = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.error = () => {};
const ask = (command) => evaluateTerminalCommandSecurity("allowedWithoutPermission", command);
commands.forEach(ask); // Compiled by then.
const started = process.hrtime.bigint();
const verdicts = commands.map(ask);
const nanoseconds = Number(process.hrtime.bigint() - started);
process.stdout.write(JSON.stringify({ verdicts, nanoseconds }));
