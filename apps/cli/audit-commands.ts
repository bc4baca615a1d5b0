import { Option, type Command } from 'commander';

const WHY = 'why this is read: it is recorded in the log with who read what';

/** What auditors are given: `peygir checkpoint`, `receipt`, `export`, `verify`, `replay`. */
export function registerAudit(program: Command, instant: (text: string) => string): void {
  program
    .command('checkpoint')
    .description('sign the head of the log now, have witnesses cosign it, and print it')
    .option(
      '--policy <file>',
      'the policy that names the witnesses (c2sp.org/tlog-policy); WITNESS_POLICY when not given',
    )
    .action(async (options) => (await import('./audit.js')).checkpoint(options));
  program
    .command('receipt')
    .description('print the receipt (.tlog-proof) of one event, for whoever takes it home')
    .argument('<stream>', 'such as resolution-facilitation-9-3')
    .argument('<revision>', 'of the event in its stream, from 0')
    .option('--purpose <text>', WHY)
    .action(async (stream, revision, options) =>
      (await import('./audit.js')).receipt(stream, Number(revision), options),
    );
  program
    .command('export')
    .description('write a folder that proves itself: node verify.mjs, or verify.html in a browser, needs nothing else')
    .addOption(
      new Option('--scope <scope>', 'what to export').choices(['all', 'case', 'agency', 'session']).default('all'),
    )
    .option('--id <id>', 'of the case, agency or session')
    .addOption(
      new Option(
        '--for <reader>',
        'who will read it: what is sealed is disclosed to them as far as they may read it',
      ).choices(['oversight', 'agency', 'nobody']),
    )
    .option('--policy <file>', 'the policy of witnesses to put in; WITNESS_POLICY when not given')
    .option('--purpose <text>', WHY)
    .argument('<dir>', 'a folder that is empty or does not exist yet')
    .addHelpText('after', '\nExample:\n  $ peygir export --scope session --id facilitation-9 ninth')
    .action(async (dir, options) => (await import('./audit.js')).exportTo(dir, options));
  program
    .command('verify')
    .description('verify an exported folder, as its own verify.mjs does (peygir verify --help has its options)')
    .allowUnknownOption()
    .helpOption(false)
    .argument('[args...]')
    .action(async (args: string[]) => {
      process.exitCode = await (await import('#apps/verifier/run')).run(args);
    });
  program
    .command('replay')
    .description('print what was known at an instant, or what was so in truth: events, and the state they add up to')
    .argument('<stream>', 'such as case-c-17; or "summary": the province in numbers')
    .option(
      '--linked',
      'with everything linked to it: visit, sessions, resolutions, referrals; of an agency, what it owed',
    )
    .option('--purpose <text>', WHY)
    .option('--as-of <instant>', 'what the engine knew then', instant)
    .option('--valid-at <instant>', 'what was so then, with what was registered later', instant)
    .action(async (stream, options) => (await import('./audit.js')).replay(stream, options));
}
