import { survivesPowerCuts } from "../faults/survives.ts";

survivesPowerCuts(200);
