/** What an application is made of that only lists devices. */
export { getDevices } from "../../src/index.js";
