import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { dataFolder, peygir, type Run } from '#test/kit/cli';
import { PATIENCE_MS } from '#test/kit/worker';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The real engine on its embedded default, with the nine Tuesdays loaded, and a browser to look at it. */
export interface Stage {
  url: string;
  /** Where the demo keeps its data, with the key that tokens are signed with. */
  dataDir: string;
  /** A browser of its own, signed in by the link that the demo printed last for this desk. */
  enter(desk: string): Promise<Page>;
  /** The link itself; a new one is printed when it was used. */
  link(desk: string): string;
  context(): Promise<BrowserContext>;
  /** What browsers have complained about so far: errors, broken policies, requests to anybody else. */
  complaints: string[];
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const [data, remove] = dataFolder();
  const run: Run = peygir(['demo'], { PEYGIR_DATA: data, PORT: '0', SMTP_URL: '' });
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    run.child.kill('SIGTERM');
    await run.ended;
    remove();
  };
  try {
    const printed = new Promise<void>((resolve, reject) => {
      // The last link that is printed.
      run.child.stderr!.on('data', () => /^ +samt +http/m.test(run.said.err) && resolve());
      const failed = (why: string) => reject(new Error(`${why}; it said:\n${run.said.err}`));
      void run.ended.then(() => failed('the demo ended'));
      setTimeout(failed, 2 * PATIENCE_MS, 'the demo takes too long').unref();
    });
    const flags = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'; // prettier-ignore
    [browser] = await Promise.all([
      chromium.launch({ executablePath: '/usr/bin/chromium', args: flags.split(' ') }),
      printed,
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  const url = /serves \S+ on (http\S+)/.exec(run.said.err)![1]!;
  const complaints: string[] = [];
  const link = (desk: string) => [...run.said.err.matchAll(new RegExp(`^ +${desk} +(http\\S+)`, 'gm'))].at(-1)![1]!;
  const context = async () => {
    const made = await browser!.newContext({ viewport: { width: 1280, height: 900 } });
    made.on('weberror', (error) => complaints.push(String(error.error())));
    made.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked ${request.url()}`);
    });
    made.on('console', (message) => {
      // A refused command is no fault of the page.
      if (message.type() === 'error' && !message.text().includes('status of 4')) complaints.push(message.text());
    });
    return made;
  };
  return {
    url,
    dataDir: /PEYGIR_DATA=(\S+)/.exec(run.said.err)![1]!,
    complaints,
    context,
    link,
    async enter(desk) {
      const page = await (await context()).newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.goto(link(desk));
      await page.getByRole('navigation').waitFor();
      return page;
    },
    close,
  };
}

/** Goes to an address within the interface and waits until nothing is being read any more. */
export async function go(page: Page, address: string): Promise<void> {
  await page.evaluate((hash) => (location.hash = hash), address);
  // By the address that the page says it shows: another page may stand there until this one is drawn.
  await page.waitForFunction(
    (shown) =>
      document.querySelector('main')?.dataset['address'] === shown &&
      document.querySelector('main h1') &&
      !document.querySelector('.waiting'),
    address,
  );
}

/** What axe finds on the page as it is, each with its first place. */
export async function faults(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map((v) => v.id + ': ' + v.nodes[0].html))`);
}

export const api = (page: Page, path: string): Promise<any> =>
  page.evaluate((asked) => fetch(`/v1/${asked}`).then((response) => response.json()), path);

/** Waits until the API answers so; what it answered when it does not in time is in the error. */
export async function until(page: Page, path: string, good: (answer: any) => boolean): Promise<any> {
  let answer: any;
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end;) {
    answer = await api(page, path);
    if (good(answer)) return answer;
    await page.waitForTimeout(100);
  }
  throw new Error(`waited for ${path}: ${JSON.stringify(answer).slice(0, 2_000)}`);
}

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

/** Waits until the form has done what it was for. */
export const closed = (page: Page): Promise<void> => page.getByRole('dialog').waitFor({ state: 'detached' });
