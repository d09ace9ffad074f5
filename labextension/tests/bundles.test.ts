import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askKernel, bundleOf, type Bundles } from '../src/bundles';
import type { CommModel } from '../src/comm_model';

type Listener = (content: unknown, buffers: DataView[]) => void;
interface Callbacks {
  readonly iopub: { status(message: unknown): void };
}

const IDLE = { content: { execution_state: 'idle' } };

/** A widget whose kernel says only what it is told to. */
class Model {
  readonly sent: unknown[] = [];
  /** From now on sending fails. */
  broken = false;
  private readonly listeners = new Map<string, Set<Listener>>();
  private callbacks: Callbacks | null = null;

  get model(): CommModel {
    return this as unknown as CommModel;
  }

  get listening(): number {
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  on(event: string, listener: Listener): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  send(content: unknown, callbacks: Callbacks): void {
    if (this.broken) {
      throw new Error('the comm is closed');
    }
    this.sent.push(content);
    this.callbacks = callbacks;
  }

  tell(event: string, content: unknown = null, ...buffers: DataView[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) {
      listener(content, buffers);
    }
  }

  hasDealtWithIt(): void {
    this.callbacks?.iopub.status(IDLE);
  }
}

const BUNDLE = new DataView(new ArrayBuffer(3));

test('the kernel is asked once, and its answer is the bundle', async () => {
  const kernel = new Model();
  const asked = askKernel(kernel.model);
  kernel.tell('msg:custom', { type: 'info' });
  kernel.tell('msg:custom', { type: 'bundle' }, BUNDLE);
  assert.equal(await asked, BUNDLE);
  assert.deepEqual(kernel.sent, [{ type: 'bundle' }]);
  assert.equal(kernel.listening, 0);
});

test('a kernel that has no bundle says the fix', async () => {
  const kernel = new Model();
  const asked = askKernel(kernel.model);
  kernel.tell('msg:custom', { type: 'bundle', problem: { message: 'Missing.', fix: 'Build it.' } });
  await assert.rejects(asked, /Missing\. Build it\./);
});

for (const event of ['comm_live_update', 'destroy']) {
  test(`whoever waits is told when the kernel or the widget is gone: ${event}`, async () => {
    const kernel = new Model();
    const asked = askKernel(kernel.model);
    kernel.tell(event);
    await assert.rejects(asked, /Run %xdisplay/);
    assert.equal(kernel.listening, 0);
  });
}

test('a kernel that was restarted is done and has not answered', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const kernel = new Model();
  const asked = askKernel(kernel.model);
  kernel.hasDealtWithIt();
  context.mock.timers.tick(1000);
  await assert.rejects(asked, /Run %xdisplay/);
});

test('an answer that comes after the kernel is done still counts', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const kernel = new Model();
  const asked = askKernel(kernel.model);
  kernel.hasDealtWithIt();
  kernel.tell('msg:custom', { type: 'bundle' }, BUNDLE);
  context.mock.timers.tick(1000);
  assert.equal(await asked, BUNDLE);
});

test('a comm that is closed already is as good as no kernel', async () => {
  const kernel = new Model();
  kernel.broken = true;
  await assert.rejects(askKernel(kernel.model), /Run %xdisplay/);
});

test('several widgets share what one of them gets; another version is another bundle', async () => {
  const bundles: Bundles<string> = new Map();
  const calls: string[] = [];
  const get = (version: string): Promise<string> =>
    bundleOf(bundles, version, () => {
      calls.push(version);
      return Promise.resolve(`bundle ${version}`);
    });
  assert.deepEqual(await Promise.all(['1', '1', '2'].map(get)), [
    'bundle 1',
    'bundle 1',
    'bundle 2',
  ]);
  assert.equal(await get('1'), 'bundle 1');
  assert.deepEqual(calls, ['1', '2']);
});

test('when the widget that asked is gone, one of those that wait asks for all of them', async () => {
  const bundles: Bundles<DataView> = new Map();
  const kernels = [new Model(), new Model(), new Model()];
  const waiting = kernels.map(({ model }) => bundleOf(bundles, '1', () => askKernel(model)));
  kernels[0]?.tell('destroy');
  await assert.rejects(waiting[0] ?? Promise.resolve(), /Run %xdisplay/);
  await new Promise((resolve) => setImmediate(resolve));
  kernels[1]?.tell('msg:custom', { type: 'bundle' }, BUNDLE);
  assert.deepEqual(await Promise.all(waiting.slice(1)), [BUNDLE, BUNDLE]);
  assert.deepEqual(
    kernels.map(({ sent }) => sent.length),
    [1, 1, 0],
  );
});
