export const title = "To do";
