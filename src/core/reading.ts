/** No instant: earlier than every event, since all events are later than 1970. */
export const never = -1;
/** A value that was not sent: less than every integer of an event. */
export const absent = -2_147_483_649;

/** An accepted position and its instant; `atMs` is `never` if there is none. */
export interface Fix {
  atMs: number;
  latE7: number;
  lonE7: number;
}

/** The values of one event of a trip; `absent` for a value that was not sent. */
export interface Reading extends Fix {
  speedCkmh: number;
  headingDdeg: number;
  accelForwardMmps2: number;
  accelLeftMmps2: number;
  speedLimitCkmh: number;
  /** 1 in use, 0 not. */
  phoneInUse: number;
}

export function noFix(): Fix {
  return { atMs: never, latE7: 0, lonE7: 0 };
}

export function noReading(): Reading {
  return {
    atMs: never,
    latE7: absent,
    lonE7: absent,
    speedCkmh: absent,
    headingDdeg: absent,
    accelForwardMmps2: absent,
    accelLeftMmps2: absent,
    speedLimitCkmh: absent,
    phoneInUse: absent,
  };
}

/** Resets a fix in place. */
export function forget(fix: Fix): void {
  fix.atMs = never;
  fix.latE7 = 0;
  fix.lonE7 = 0;
}

export function setFix(fix: Fix, atMs: number, latE7: number, lonE7: number): void {
  fix.atMs = atMs;
  fix.latE7 = latE7;
  fix.lonE7 = lonE7;
}
