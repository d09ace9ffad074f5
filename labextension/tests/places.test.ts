import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PARKED_MS, Places } from '../src/places';

class FakeView {
  readonly host = {} as Node;
  wasSeen = false;
  disposed = false;

  dispose(): void {
    this.disposed = true;
  }
}

class FakePlace {
  parentNode: object | null = null;
  readonly nodes: Node[] = [];

  append(node: Node): void {
    this.nodes.push(node);
  }
}

function begin(context: TestContext): Places<FakeView> {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  return new Places<FakeView>();
}

const make = (): FakeView => new FakeView();

test('a view whose place goes is put into the next one', (context) => {
  const places = begin(context);
  const key = {};
  const first = places.settle(key, new FakePlace(), make);
  first.leave();
  const place = new FakePlace();
  const second = places.settle(key, place, make);
  assert.equal(second.view, first.view);
  assert.deepEqual(place.nodes, [first.view.host]);
  context.mock.timers.tick(PARKED_MS);
  assert.equal(second.view.disposed, false);
});

test('without a next place it ends', (context) => {
  const places = begin(context);
  const { view, leave } = places.settle('a', new FakePlace(), make);
  leave();
  leave();
  assert.equal(view.disposed, false);
  context.mock.timers.tick(PARKED_MS);
  assert.equal(view.disposed, true);
  assert.notEqual(places.settle('a', new FakePlace(), make).view, view);
});

test('what shows something else has another view', (context) => {
  const places = begin(context);
  const first = places.settle('a', new FakePlace(), make);
  first.leave();
  assert.notEqual(places.settle('b', new FakePlace(), make).view, first.view);
});

test('of several that lost their places one waits', (context) => {
  const places = begin(context);
  const [first, second] = [1, 2].map(() => places.settle('a', new FakePlace(), make));
  assert.ok(first && second);
  assert.notEqual(first.view, second.view);
  first.leave();
  second.leave();
  assert.deepEqual([first.view.disposed, second.view.disposed], [false, true]);
});

test('a place that was emptied gives its view to the next, and nothing more when it goes', (context) => {
  const places = begin(context);
  const emptied = new FakePlace();
  const first = places.settle('a', emptied, make);
  first.view.wasSeen = true;
  const second = places.settle('a', new FakePlace(), make);
  assert.equal(second.view, first.view);
  first.leave();
  context.mock.timers.tick(PARKED_MS);
  assert.equal(second.view.disposed, false);
});

test('a place that is scrolled away, or not there yet, keeps its view', (context) => {
  const places = begin(context);
  const [away, early] = [new FakePlace(), new FakePlace()];
  away.parentNode = {};
  const first = places.settle('a', away, make);
  first.view.wasSeen = true;
  const second = places.settle('a', early, make);
  const third = places.settle('a', new FakePlace(), make);
  assert.equal(new Set([first.view, second.view, third.view]).size, 3);
});
