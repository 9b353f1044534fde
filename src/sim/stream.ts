import type { Zones } from '../core/zones.ts';
import { dateOf, dayStartMs } from './day.ts';
import type { DefectRates } from './defects.ts';
import { withDefects } from './defects.ts';
import type { Car } from './fleet.ts';
import { odometerAtM, plannedM } from './journey.ts';
import type { Message } from './message.ts';
import { createPriorityQueue } from './queue.ts';
import type { Report } from './report.ts';
import { driveDay } from './report.ts';

const DAY_MS = 86_400_000;

/** Everything that a car's device measures from an instant on, day after day, without end. */
export function* driveFrom(
  car: Car,
  fromMs: number,
  zones: Zones,
): Generator<Report, void, undefined> {
  let day = Math.floor(fromMs / DAY_MS) + 1;
  while (dayStartMs(car, day, zones) > fromMs) day -= 1;
  const counts = car.device.odometer;
  let odometerM = counts ? odometerAtM(car, day) : 0;
  for (; ; day++) {
    for (const report of driveDay(car, dateOf(day), zones, odometerM)) {
      if (report.atMs >= fromMs) yield report;
    }
    if (!counts) continue;
    const newYear = dateOf(day + 1).endsWith('-01-01');
    odometerM = newYear ? odometerAtM(car, day + 1) : odometerM + plannedM(car, day);
  }
}

/**
 * The whole fleet's messages in order of arrival, without end.
 * @param fromMsOf the instant from which a car's measurements count, epoch milliseconds.
 */
export function* streamFleet(
  fleet: readonly Car[],
  fromMsOf: (car: Car) => number,
  zones: Zones,
  rates: DefectRates,
): Generator<Message, void, undefined> {
  const heads = createPriorityQueue<{
    message: Message;
    rest: Generator<Message, void, undefined>;
  }>((a, b) => a.message.arrivesMs - b.message.arrivesMs);
  const addNext = (rest: Generator<Message, void, undefined>) => {
    const next = rest.next();
    if (!next.done) heads.add({ message: next.value, rest });
  };
  for (const car of fleet) {
    addNext(withDefects(car, driveFrom(car, fromMsOf(car), zones), rates, car.seed));
  }
  for (let head = heads.take(); head; head = heads.take()) {
    yield head.message;
    addNext(head.rest);
  }
}
